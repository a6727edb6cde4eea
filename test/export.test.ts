import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { z } from 'zod';
import { csvLine } from '../src/export/csv.ts';
import { formatRows } from '../src/export/format.ts';
import { masker, maskNumbers } from '../src/export/mask.ts';
import type { ExportRow } from '../src/export/rows.ts';
import { xlsxFile } from '../src/export/xlsx.ts';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../src/json.ts';
import { sandboxConfig } from '../src/sandbox/config.ts';
import type { Sandbox } from '../src/sandbox/contract.ts';
import { startSandbox } from '../src/sandbox/server.ts';
import { RECORD_COLUMNS, type StoredRecord } from '../src/store/record-columns.ts';
import { recordJson } from '../src/store/record-json.ts';
import { MINUTE, zoneClock } from '../src/time.ts';
import { nameStore, removeStore, storeUrl } from './support/test-store.ts';
import { accountsOf, type Finished, freshRow, query, startCli } from './support/workbench.ts';
import { readWorkbook, unzip } from './support/workbook.ts';

// The formats of an export, and what a masked one hides.

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });

/** Found by nothing but reading RFC 4180. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  while (at < text.length) {
    let field = '';
    if (text[at] === '"') {
      for (at += 1; text[at] !== '"' || text[at + 1] === '"'; at += 1) {
        if (at >= text.length) throw new Error('a quote that is not closed');
        if (text[at] === '"') at += 1;
        field += text[at];
      }
      at += 1;
    } else {
      const [plain = ''] = /^[^",\r\n]*/.exec(text.slice(at, at + 100_000)) ?? [];
      field = plain;
      at += plain.length;
    }
    row.push(field);
    if (text[at] === ',') at += 1;
    else if (text.startsWith('\r\n', at)) {
      rows.push(row);
      row = [];
      at += 2;
    } else throw new Error(`neither a comma nor the end of a line at ${at}`);
  }
  expect(row).toEqual([]);
  return rows;
}

/** What a spreadsheet may run, blanks before it left out. */
const RUNS = /^[=+\-@＝＋－＠]/;
const SIGNED = /^[+-]?[0-9]+(\.[0-9]+)?$/;

/** The text that a cell of a CSV stands for. */
function unguarded(cell: string, text: string): string {
  const risky = (RUNS.test(text.trim()) || /^[\t\r\n]/.test(text)) && !SIGNED.test(text);
  if (risky) expect(cell).toBe(`'${text}`);
  return cell === `'${text}` && risky ? text : cell;
}

const STORED: StoredRecord = {
  ...{ account_id: 'a', provider: 'okcc', call_id: 'c', native_id: null, correlation_id: null },
  ...{ direction: 'inbound', call_mode: null, caller: null, callee: null, agent: null },
  ...{ started_at: '2026-11-01T00:30:00Z', ringing_at: null, answered_at: null, ended_at: null },
  ...{ duration_seconds: null, ring_seconds: null, talk_seconds: 0, billed_seconds: null },
  ...{ cost: null, currency: null, disposition: 'busy', hangup_cause: null, hangup_reason: null },
  ...{ hangup_party: null, recording_ref: null, recording_state: 'none', is_call: 1, flags: '[]' },
  ...{ custom: '{}', source: 'pull', listed_on: '2026-11-01', version: 1, change_seq: 1 },
  ...{ first_seen_at: '2026-11-01T00:30:00.123Z', changed_at: '2026-11-01T00:30:00.123Z' },
  ...{ missing_since: null, mapping_version: 1, raw: '{}' },
};
const rowOf = (fields: Partial<StoredRecord>): ExportRow => ({
  record: { ...STORED, ...fields },
  before: null,
});
const clockOf = () => zoneClock('Asia/Shanghai');

describe('a line of csv', () => {
  const piece = fc.constantFrom(
    ...[
      '"',
      ',',
      '\r',
      '\n',
      '\t',
      "'",
      '=',
      '+',
      '-',
      '@',
      '＝',
      '＋',
      '－',
      '＠',
      ' ',
      '\u{feff}',
    ],
    ...['1', '86', '.', 'a', '坐席', '😀', ';', 'SUM(A1)'],
  );
  const text = fc.array(piece, { maxLength: 8 }).map((pieces) => pieces.join(''));

  test('says each text again, and lets no spreadsheet run one', () => {
    const at = RECORD_COLUMNS.indexOf('agent');
    fc.assert(
      fc.property(text, text, (agent, caller) => {
        const rows = parseCsv(csvLine(rowOf({ agent, caller }), false));
        const [cells = [], ...others] = rows;
        expect(others).toEqual([]);
        expect(cells).toHaveLength(RECORD_COLUMNS.length);
        const cell = cells[at] ?? '';
        expect(unguarded(cell, agent)).toBe(agent);
        const first = cell.trim();
        if (!SIGNED.test(cell)) expect(first).not.toMatch(RUNS);
        expect(cell).not.toMatch(/^[\t\r\n]/);
      }),
      { numRuns: 1000 },
    );
  });

  test.each(['+8613800138000', '-1.50', '13800138000', "'=1", '坐席'])(
    'leaves %s as it is',
    (agent) => {
      expect(csvLine(rowOf({ agent }), false)).toContain(`,${agent},`);
    },
  );

  test('tells nothing from an empty text', () => {
    const at = RECORD_COLUMNS.indexOf('caller');
    const fields = csvLine(rowOf({ caller: null, callee: '' }), false).split(',');
    expect(fields.slice(at, at + 2)).toEqual(['', '""']);
  });
});

describe('a masked number', () => {
  const digits = fc.stringMatching(/^[0-9]{6,20}$/);
  const between = fc.constantFrom(
    '',
    '',
    '',
    ' ',
    '-',
    '.',
    ' (',
    ') ',
    '/',
    '\u{a0}',
    '–',
    '\u{200b}',
  );
  const words = fc.constantFrom('', 'tel:', '坐席 ', '<', 'x', ', ');

  test('cannot be read, however it is written and wherever it stands', () => {
    fc.assert(
      fc.property(
        digits,
        fc.array(between, { minLength: 20, maxLength: 20 }),
        words,
        words,
        (number, gaps, before, after) => {
          const written = [...number].map(
            (digit, index) => (index === 0 ? '' : gaps[index]) + digit,
          );
          const masked = maskNumbers(before + written.join('') + after);
          const shown = masked.slice(before.length, masked.length - after.length);
          expect([before, after]).toEqual([
            masked.slice(0, before.length),
            masked.slice(masked.length - after.length),
          ]);
          const left = shown.replaceAll(/[^0-9*]/g, '');
          expect(left).toBe(
            number.length < 10
              ? '*'.repeat(number.length - 2) + number.slice(-2)
              : number.slice(0, 3) + '*'.repeat(number.length - 7) + number.slice(-4),
          );
        },
      ),
      { numRuns: 1000 },
    );
  });

  test.each([
    ['13800138000', '138****8000'],
    ['+8613800138000', '+861******8000'],
    ['0755-1234 5678', '075*-**** 5678'],
    ['91234567', '******67'],
    ['10086', '10086'],
    ['110', '110'],
    ['１３８００１３８０００', '138****8000'],
    ['138（0013）8000', '138(****)8000'],
    ['138．0013．8000', '138.****.8000'],
    ['138，0013、8000', '138,****、8000'],
    ['138：0013:8000', '138:****:8000'],
    ['138 * 0013 # 8000', '138 * **** # 8000'],
    ['138~0013|8000', '138~****|8000'],
    ["138;0013='8000", "138;****='8000"],
    ['138----0013    8000', '138----****    8000'],
    ['138\u034f0013\u034f8000', '138\u034f****\u034f8000'],
    ['①③⑧⓪⓪①③⑧⓪⓪⓪', '138****8000'],
    ['1\ufe0f\u20e33800138000', '1\ufe0f\u20e338****8000'],
    ['2026-11-20 10:00', '202*-**-** 10:00'],
    // What hides nothing stays as it was written.
    ['第①组（一）…', '第①组（一）…'],
    ['{"a":138,"b":0013}', '{"a":138,"b":0013}'],
    ['sip:13800138000@pbx.example', 'sip:138****8000@pbx.example'],
    ['anonymous', 'anonymous'],
  ])('%s is shown as %s', (number, masked) => {
    expect(maskNumbers(number)).toBe(masked);
  });

  test('is hidden in the party of a call, whatever stands between its digits', () => {
    const written = [
      '138 0013 8000',
      '138x0013x8000',
      '"138" {0013} [8000]',
      '1-3-8-----0013ext8000',
    ];
    for (const caller of written) {
      const { record } = masker('key')(rowOf({ caller, callee: caller }));
      expect(record.caller?.replaceAll(/[^\d*]/g, '')).toBe('138****8000');
      expect(record.callee).toBe(record.caller);
    }
  });

  test('is hidden in a currency, where the provider takes any text', () => {
    const { record } = masker('key')(rowOf({ cost: '1', currency: 'USD 13800138000' }));
    expect(record.currency).toBe('USD 138****8000');
    expect(masker('key')(rowOf({ cost: '1', currency: 'USD' })).record.currency).toBe('USD');
  });

  test('leaves apart the fields whose names are masked alike', () => {
    const custom =
      '{"13800138000":1,"13811118000":2,"13822228000":{"13900139000":3,"13911119000":4}}';
    const { record } = masker('key')(rowOf({ custom }));
    expect(record.custom).toBe(
      '{"138****8000":1,"138****8000 (2)":2,"138****8000 (3)":{"139****9000":3,"139****9000 (2)":4}}',
    );
  });

  test('is hidden in every form that a business field may give it', () => {
    const custom = parseJson(
      '{"phone":13800138000,"exact":13800138000.0,"list":["+86 138 0013 8000",7,1.10,true,null],"13800138000":{"ext":"8001"}}',
    );
    const { record } = masker('key')(rowOf({ custom: writeJson(custom) }));
    expect(record.custom).toBe(
      '{"phone":"138****8000","exact":"138*****000.0","list":["+86 1** **** 8000",7,1.10,true,null],"138****8000":{"ext":"8001"}}',
    );
  });

  test('cannot be found in an id, nor by trying which numbers give it', () => {
    const mask = (key: string, id: string) =>
      masker(key)(rowOf({ call_id: id, native_id: id })).record;
    const one = mask('key', 's-13800138000-1');
    expect(one.call_id).toMatch(/^[a-p]{32}$/);
    expect(one.native_id).toBe(one.call_id);
    expect(mask('key', 's-13800138000-1')).toEqual(one);
    expect(mask('key', 's-13800138000-2').call_id).not.toBe(one.call_id);
    expect(mask('another', 's-13800138000-1').call_id).not.toBe(one.call_id);
  });
});

async function bytesOf(pieces: AsyncIterable<string | Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const piece of pieces) chunks.push(Buffer.from(piece));
  return Buffer.concat(chunks);
}

async function* each(rows: readonly ExportRow[]): AsyncGenerator<readonly ExportRow[]> {
  for (let at = 0; at < rows.length; at += 7) yield rows.slice(at, at + 7);
}

test('a record says every character as JSON does', () => {
  for (let code = 0; code < 0x1_0000; code += 1) {
    const agent = `a${String.fromCharCode(code)}b`;
    const text = recordJson(rowOf({ agent }).record);
    if (!text.includes(`"agent":${JSON.stringify(agent)},`)) expect.fail(`${code}: ${text}`);
  }
});

describe('a workbook', () => {
  const limits = { rows: 1_048_576, bytes: 1e9, file: 1e9 };

  test('says each text again, whatever is in it, and cuts what no cell holds', async () => {
    const all = String.fromCharCode(
      ...Array.from({ length: 0x100 }, (_, code) => code),
      0xd800,
      0xffff,
    );
    const texts = [
      all,
      ' a ',
      '_x0041_ _x004',
      '<&>]]>"',
      '=1+1',
      '1.38E+10',
      '\r\n',
      '😀'.repeat(20_000),
      `a${'😀'.repeat(20_000)}`,
    ];
    const file = await bytesOf(
      xlsxFile(each(texts.map((agent) => rowOf({ agent }))), false, clockOf, limits),
    );
    const [sheet, ...others] = readWorkbook(file);
    expect(others).toEqual([]);
    const read = sheet?.rows.map((row) => row['agent']) ?? [];
    expect(read.slice(0, -2)).toEqual(texts.slice(0, -2));
    // One of the two would be cut in the middle of a character.
    for (const cut of read.slice(-2).map(String)) {
      expect(cut).toMatch(/^a?(😀)+… \[cut: 4000[01] characters\]$/u);
      expect(cut.length).toBeGreaterThan(32_760);
      expect(cut.length).toBeLessThanOrEqual(32_767);
    }
  });

  test('goes on with another sheet where one is full', async () => {
    const ids = Array.from({ length: 25 }, (_, index) => `c-${index}`);
    const rows = () =>
      each(ids.map((call_id) => rowOf({ call_id, raw: `{"pad":"${'x'.repeat(300_000)}"}` })));
    const idsOf = (file: Buffer) =>
      readWorkbook(file).map((sheet) => sheet.rows.map((row) => row['call_id']));
    const byRows = idsOf(await bytesOf(xlsxFile(rows(), false, clockOf, { ...limits, rows: 11 })));
    expect(byRows).toEqual([ids.slice(0, 10), ids.slice(10, 20), ids.slice(20)]);
    // One more row would have begun a sheet of its own, and none may be empty.
    expect(idsOf(await bytesOf(xlsxFile(rows(), false, clockOf, { ...limits, rows: 26 })))).toEqual(
      [ids],
    );
    const bySize = idsOf(
      await bytesOf(xlsxFile(rows(), false, clockOf, { ...limits, bytes: 300_000 })),
    );
    expect(bySize.length).toBeGreaterThan(1);
    expect(bySize.flat()).toEqual(ids);
    await expect(
      bytesOf(xlsxFile(rows(), false, clockOf, { ...limits, file: 2000 })),
    ).rejects.toThrow('no spreadsheet opens');
  });

  test('shows times on the clock of the account, also one that runs otherwise', async () => {
    const times = ['2026-11-01T05:30:00Z', '2026-07-01T05:30:01Z', '1899-01-01T00:00:00Z'];
    const rows = each(times.map((started_at) => rowOf({ started_at })));
    const [sheet] = readWorkbook(
      await bytesOf(xlsxFile(rows, false, () => zoneClock('America/New_York'), limits)),
    );
    expect(
      sheet?.rows.map((row) => [row['started_at'], row['first_seen_at'], row['time_zone']]),
    ).toEqual([
      ['2026-11-01 01:30:00.000', '2026-10-31 20:30:00.123', 'America/New_York'],
      ['2026-07-01 01:30:01.000', '2026-10-31 20:30:00.123', 'America/New_York'],
      // Excel has no such dates.
      ['1898-12-31 19:00:00', '2026-10-31 20:30:00.123', 'America/New_York'],
    ]);
  });
});

test.each(['ndjson', 'csv', 'xlsx'] as const)(
  '%s is written while the rows come',
  async (format) => {
    let given = 0;
    const total = 12_000;
    async function* rows(): AsyncGenerator<readonly ExportRow[]> {
      for (; given < total; given += 1)
        yield [rowOf({ call_id: `c-${given}`, agent: `${Math.sin(given)}` })];
    }
    const options = { format, history: false, bom: false, clockOf };
    let before = 0;
    let longest = 0;
    for await (const piece of formatRows(rows(), options)) {
      longest = Math.max(longest, given - before, piece.length / 100);
      before = given;
    }
    expect(given).toBe(total);
    // However many there are, so many rows at most are held.
    expect(longest).toBeLessThan(total / 4);
  },
);

// Through the real binary.

interface World {
  readonly folder: string;
  readonly store: string;
  readonly sandbox: Sandbox;
  run(...args: string[]): Promise<Finished>;
}
let world: World;

const PROVIDERS = ['infin8linx', 'okcc', 'vos'] as const;
const CALLER = '+8613912345678';
const OTHER = '13787654321';
const FORMULA = `=cmd|' /C calc'!A0`;

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'cdrsync-test-'));
  const config = join(folder, 'worker.config.json');
  const store = nameStore(folder);
  const sandbox = await startSandbox({ until: Date.now() - 5 * MINUTE, days: 1, callsPerDay: 20 });
  const run = (...args: string[]) => startCli(['--config', config, ...args], folder).finished;
  world = { folder, store, sandbox, run };
  const accounts = accountsOf(sandbox, PROVIDERS);
  await writeFile(
    config,
    writeJson({ ...sandboxConfig(sandbox, { store: storeUrl(store) }), accounts }),
  );
  const odd: JsonObject = {
    ...freshRow(sandbox, 'okcc', Date.now() - 30 * MINUTE),
    ...{ session: `s-${OTHER}-1`, caller: CALLER, callee: '10086', agent: FORMULA },
    ...{ fee: JSON.rawJSON('1.10'), big: JSON.rawJSON('9007199254740993123') },
    userData: `坐席，"一"\r\n139 1234 5678, +86-137-8765-4321;${OTHER}`,
    taskID: JSON.rawJSON(OTHER),
    filename: `/data/voicerecord/${OTHER}.mp3`,
    long: 'x'.repeat(40_000),
  };
  sandbox.insert('okcc', odd);
  await synced();
  sandbox.change('okcc', isOdd, { fee: JSON.rawJSON('1.1000'), agent: '+1 (0) 8001' });
  await synced();
});

async function synced(): Promise<void> {
  const { code, stderr } = await world.run('sync');
  expect(code, stderr).toBe(0);
}

afterAll(async () => {
  await world.sandbox.close();
  removeStore(world.store);
  await rm(world.folder, { recursive: true, force: true });
});

const isOdd = (row: JsonObject): boolean => row['session'] === `s-${OTHER}-1`;

async function exported(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await world.run('export', ...args);
  expect(code, stderr).toBe(0);
  return stdout;
}

/** To a file: what is not text cannot be had from stdout here. */
async function exportedFile(...args: string[]): Promise<Buffer> {
  const path = join(world.folder, `export-${args.join('')}`);
  expect(await exported(...args, '--output', path)).toBe('');
  return readFile(path);
}

function linesOf(text: string): JsonObject[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => {
      const json = parseJson(line);
      if (!isObject(json)) throw new Error('no object');
      return json;
    });
}

const columnsOf = (lines: readonly JsonObject[]): string[] => [
  ...new Set(lines.flatMap((line) => Object.keys(line))),
];

/** A value of a line as a table tells it. */
function tableText(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? writeJson(value) : String(value);
}

test('csv and xlsx tell what the lines tell, in the same order', async () => {
  const lines = linesOf(await exported('--history'));
  const columns = columnsOf(lines);
  expect(columns.slice(0, -2)).toEqual([...RECORD_COLUMNS]);
  expect(lines.filter((line) => line['change_reason'] !== undefined)).toHaveLength(1);

  const csv = await exported('--history', '--format', 'csv');
  const [header, ...rows] = parseCsv(csv);
  expect(header).toEqual(columns);
  expect(rows).toHaveLength(lines.length);
  const told = rows.map((row, index) =>
    row.map((cell, at) => unguarded(cell, tableText(lines[index]?.[columns[at] ?? '']))),
  );
  expect(told).toEqual(lines.map((line) => columns.map((column) => tableText(line[column]))));
  expect(csv).toContain(`,'${FORMULA},`);
  expect(csv).toContain(`,${CALLER},`);

  const file = await exportedFile('--history', '--format', 'xlsx');
  const [sheet, ...others] = readWorkbook(file);
  expect([others.length, sheet?.name, sheet?.frozen]).toEqual([0, 'calls', true]);
  expect(sheet?.header).toEqual([...columns, 'time_zone']);
  const clock = clockOf();
  for (const [index, line] of lines.entries()) {
    const row = sheet?.rows[index] ?? {};
    for (const column of columns) {
      const value = line[column] ?? null;
      const cell = row[column];
      const where = `${column} of ${index}`;
      if (typeof value === 'string' && /_at$|_since$/.test(column)) {
        const at = Date.parse(value);
        const milliseconds = String(at % 1000).padStart(3, '0');
        expect(cell, where).toBe(`${clock.format(at)}.${milliseconds}`);
      } else if (tableText(value).length > 32_767) {
        expect(String(cell), where).toMatch(/… \[cut: \d+ characters\]$/);
      } else if (typeof value === 'object' && value !== null) {
        expect(cell, where).toBe(writeJson(value));
      } else expect(cell, where).toBe(value);
    }
    expect(row['time_zone']).toBe('Asia/Shanghai');
  }
  const costs = sheet?.rows.filter((row) => row['caller'] === CALLER).map((row) => row['cost']);
  expect(costs).toEqual(['1.10', '1.1000']);

  const current = lines.filter((line) => line['change_reason'] === undefined);
  const plain = parseCsv(await exported('--format', 'csv', '--bom'));
  expect(plain[0]?.[0]).toBe('\u{feff}account_id');
  expect(plain.slice(1).map((row) => row[2])).toEqual(current.map((line) => line['call_id']));
});

test('a masked export shows no number of the store anywhere, and which calls are the same', async () => {
  const Numbers = z.object({ number: z.string().nullable() });
  const sql = ['caller', 'callee'].map((column) => `select ${column} as number from calls`);
  const stored = query(world.store, Numbers, sql.join(' union '));
  const numbers = [...new Set([...stored.map(({ number }) => number ?? ''), OTHER])]
    .map((number) => number.replace(/^\+?(?:86)?/, ''))
    .filter((number) => number.length > 5);
  expect(numbers.length).toBeGreaterThan(20);
  const known = (text: string) => numbers.filter((number) => text.includes(number));
  const plain = linesOf(await exported('--history'));
  expect(known(plain.map((line) => writeJson(line)).join())).toHaveLength(numbers.length);

  const text = await exported('--history', '--mask');
  const csv = await exported('--history', '--mask', '--format', 'csv');
  const file = await exportedFile('--history', '--mask', '--format', 'xlsx');
  const xml = [...unzip(file).values()].join();
  for (const output of [text, csv, xml]) {
    expect(known(output)).toEqual([]);
    // Written apart they are numbers as well.
    expect(known(output.replaceAll(/(?<=\d)[ -](?=\d)/g, ''))).toEqual([]);
    expect(output).toContain('+861******5678');
    expect(output).toContain('10086');
  }
  const lines = linesOf(text);
  expect(lines).toHaveLength(plain.length);
  const aliases = new Map<Json | undefined, Json | undefined>();
  for (const [index, line] of lines.entries()) {
    const before = plain[index] ?? {};
    expect(Object.keys(line)).toEqual(Object.keys(before));
    expect([line['raw'], line['recording_ref']]).toEqual([null, null]);
    for (const column of ['call_id', 'native_id', 'correlation_id']) {
      const [id, alias] = [before[column], line[column]];
      expect(id === null).toBe(alias === null);
      expect(aliases.get(id) ?? alias).toBe(alias);
      aliases.set(id, alias);
    }
    const kept = ['account_id', 'started_at', 'cost', 'talk_seconds', 'change_seq', 'disposition'];
    expect(kept.map((column) => line[column])).toEqual(kept.map((column) => before[column]));
  }
  expect(new Set(aliases.values()).size).toBe(aliases.size);
  const masked = parseCsv(csv).slice(1);
  expect(masked.map((row) => row[2])).toEqual(lines.map((line) => line['call_id']));
  const at = RECORD_COLUMNS.indexOf('raw');
  expect(new Set(masked.map((row) => row[at]))).toEqual(new Set(['']));
});

test('refuses what does not go together, and says what does', async () => {
  const refused: readonly (readonly [args: readonly string[], words: string])[] = [
    [['--changed-since', '0', '--from', '2026-11-01'], '--changed-since goes with neither'],
    [['--changed-since', '0', '--to', '2026-11-01'], '--changed-since goes with neither'],
    [['--changed-since', '0', '--history'], '--changed-since goes with neither'],
    [['--changed-since', '999999'], 'restored from a backup'],
    [['--changed-since', '-1'], 'change_seq'],
    [['--changed-since', '1e3'], 'change_seq'],
    [['--bom'], '--bom does not go with ndjson'],
    [['--format', 'xml'], 'xml'],
  ];
  const results = await Promise.all(refused.map(([args]) => world.run('export', ...args)));
  for (const [index, [args, words]] of refused.entries()) {
    const { code, stdout, stderr } = results[index] ?? {};
    expect([args, code, stdout]).toEqual([args, 2, '']);
    expect(stderr).toContain(words);
    expect(stderr).not.toContain('    at ');
  }
});

test('says where a file gets another format than its name promises', async () => {
  const named = async (...args: readonly string[]): Promise<string> => {
    const { code, stderr } = await world.run('export', ...args);
    expect(code, stderr).toBe(0);
    return stderr;
  };
  expect(await named('--output', 'calls.CSV')).toContain('--format csv writes the other');
  expect(await named('--output', 'calls.xlsx', '--format', 'csv')).toContain('--format xlsx');
  expect(await named('--output', 'csv.txt')).not.toContain('--format');
  expect(await named('--output', 'calls.csv', '--format', 'csv')).not.toContain('--format');
});

test('writes no workbook to a terminal', async () => {
  const { spawnSync } = await import('node:child_process');
  const command = `'${process.execPath}' '${inject('cli')}' export --format xlsx`;
  const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
    cwd: world.folder,
    encoding: 'utf8',
  });
  expect([status, stdout]).toEqual([2, expect.stringContaining('--output calls.xlsx')]);
});
