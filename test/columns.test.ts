import { expect, it, test } from 'vitest';
import { narrowTable } from '../src/commands/table.ts';
import { width, wrap, wrapLines } from '../src/commands/wrap.ts';
import { addDays } from '../src/time.ts';
import { tooWide } from './support/status.ts';
import { ago, at } from './support/tamper.ts';
import { freshRow, openWorkbench } from './support/workbench.ts';

// What people read fits a terminal of 80 columns.

test.each([
  ['plain', 5],
  ['话单', 4],
  ['，。', 4],
  ['→ ok', 4],
  ['e\u0301', 1],
  ['👍', 2],
])('%s takes %i columns', (text, columns) => expect(width(text)).toBe(columns));

test('a text that fits stays as it is, blanks and all', () => {
  expect(wrap(' 138  000', '  x  ')).toBe('  x   138  000');
  expect(wrapLines('a  b\n\n  → c\n')).toBe('a  b\n\n  → c\n');
});

test('a line that is too wide goes on below its own words, and loses none', () => {
  const words = Array.from({ length: 40 }, (_, index) => `word${index}`).join(' ');
  const lines = wrapLines(`  → ${words}\nnext\n`).split('\n');
  expect(tooWide(lines.join('\n'))).toEqual([]);
  expect(lines.at(-2)).toBe('next');
  expect(lines.slice(1, -2).every((line) => /^ {4}word/.test(line))).toBe(true);
  expect(lines.slice(0, -2).join(' ').replaceAll(/\s+/g, ' ').trim()).toBe(`→ ${words}`);
});

test('Chinese breaks after its punctuation, and anywhere where it has none', () => {
  const sentence = '服务商声明的总数与实际列出的话单数不一致，';
  const broken = wrap(sentence.repeat(4), '  ').split('\n');
  expect(broken.map((line) => line.trim())).toEqual(Array.from({ length: 4 }, () => sentence));
  expect(tooWide(wrap('话'.repeat(200), '  → '))).toEqual([]);
});

test('a command is not broken where a line has room for it, and else so that it can be pasted', () => {
  const command = 'cdrsync verify --account okcc-1 --accept 2026-11-03 --reason TEXT';
  const lines = wrap(`Ask the provider first, then run \`${command}\` to close it.`, '  → ').split(
    '\n',
  );
  expect(lines.some((line) => line.includes(`\`${command}\``))).toBe(true);
  const long = wrap(`\`${command.replace('okcc-1', 'x'.repeat(64))}\``, '  → ');
  expect(tooWide(long)).toEqual([]);
  expect(long.replaceAll(/\\\n +/g, '')).toContain(`--account ${'x'.repeat(64)} --accept`);
});

test('a table gives up a column, then the line of its first cells', () => {
  const head = ['account', 'spare', 'value'];
  const row = (id: number): string[] => ['i'.repeat(id), 'p'.repeat(20), 'v'.repeat(30)];
  expect(narrowTable(head, [row(20)], 'spare')).toContain('spare');
  expect(narrowTable(head, [row(40)], 'spare')).not.toContain('spare');
  const stacked = narrowTable(head, [row(60), row(3)], 'spare');
  expect(tooWide(stacked)).toEqual([]);
  expect(stacked).toMatch(
    /^account\n {2}spare {17}value\ni{60}\n {2}p{20} {2}v{30}\niii\n {2}p{20} {2}v{30}\n$/,
  );
});

it('holds for what the commands print, of accounts that are well and of others', async () => {
  const bench = await openWorkbench({ sandbox: { days: 3, callsPerDay: 40 } });
  const noon = at(2, '12:00:00');
  bench.sandbox.insert('okcc', { ...freshRow(bench.sandbox, 'okcc', noon), timeLength: 'long' });
  const long = { session: 'id-'.repeat(30), caller: '+8613800138000', callee: '075512345678' };
  bench.sandbox.insert('okcc', { ...freshRow(bench.sandbox, 'okcc', noon, 2), ...long });
  bench.sandbox.setFaults('itniotech', { rate: 1, kinds: ['auth'] });
  const texts = new Map<string, string>();
  const run = async (...args: string[]): Promise<void> => {
    const { stdout, stderr } = await bench.run(...args);
    expect(stdout, `${args.join(' ')}\n${stderr}`).not.toBe('');
    texts.set(args.join(' '), stdout);
  };
  await run('config', 'check');
  await run('sync');
  const range = ['--from', ago(3), '--to', ago(0)];
  await run('verify', ...range);
  await Promise.all([
    run('backfill', '--account', 'demo-infin8linx', ...range),
    run('backfill', '--account', 'demo-infin8linx', ...range, '--dry-run'),
    run('verify', '--explain', ago(2), '--account', 'demo-okcc'),
    run('verify', '--explain', addDays(ago(3), -30), '--account', 'demo-infin8linx'),
    run('show', long.session),
    run('show', '--number', '13800138000'),
    run('status'),
  ]);
  for (const [command, text] of texts) expect([command, tooWide(text)]).toEqual([command, []]);
  expect(texts.get('sync')).toMatch(/^demo-infin8linx {2}ok /m);
  expect(texts.get('sync')).toMatch(/\ndemo-okcc: 0 spans not proven, 1 rows in quarantine\n/);
  expect(texts.get(`verify ${range.join(' ')}`)).toMatch(/\n {2}1 quarantined\n/);
  expect(texts.get('show --number 13800138000')).toContain('075512345678');
});
