import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import type { JsonObject } from '../src/json.ts';
import { MINUTE } from '../src/time.ts';
import { ago } from './support/tamper.ts';
import { countIn, freshRow, openWorkbench, query, watermarkOf } from './support/workbench.ts';

// Half a character and U+0000 are JSON, and no text that every database keeps.

vi.setConfig({ testTimeout: 60_000 });

it('in an id holds neither its account nor another call up, and folds no calls into one', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 10 } });
  const row = freshRow(bench.sandbox, 'okcc', Date.now() - 30 * MINUTE);
  const odd: readonly JsonObject[] = [
    { ...row, session: '\u{fffd}lone', key: '1' },
    { ...row, session: '\ud800lone', key: '2' },
    { ...row, session: '\udbfflone', key: '3' },
    { ...row, session: 'whole', key: '\ud800' },
    { ...row, session: 'nothing\u0000', key: '5' },
  ];
  for (const one of odd) bench.sandbox.insert('okcc', one);
  const backfill = ['backfill', '--account', 'demo-okcc', '--from', ago(1), '--to', ago(-1)];
  const listed = bench.sandbox.rows('okcc').length;
  let before = 0;
  for (const args of [['sync'], backfill, ['sync'], backfill]) {
    // Watermarks are whole seconds.
    await sleep(1000);
    const { code, stderr } = await bench.run(...args);
    // The day waits for a person, since the provider's rows cannot be kept as calls.
    expect(code, stderr).toBe(1);
    expect(stderr).not.toContain('store.');
    expect(countIn(bench.store, 'quarantine')).toBe(4);
    expect(countIn(bench.store, 'calls')).toBe(listed - 4);
    const watermark = watermarkOf(bench, 'demo-okcc');
    if (args[0] === 'sync') expect(watermark).toBeGreaterThan(before);
    before = watermark;
  }
  const Kept = z.object({ reason: z.string(), raw: z.string() });
  const kept = query(bench.store, Kept, 'select reason, raw from quarantine order by reason');
  expect(kept.map(({ reason }) => reason)).toEqual([
    'call_id: holds half a character or U+0000',
    'call_id: holds half a character or U+0000',
    'call_id: holds half a character or U+0000',
    'native_id: holds half a character or U+0000',
  ]);
  // As received.
  expect(kept.some(({ raw }) => raw.includes('"\\ud800lone"'))).toBe(true);
  expect(kept.some(({ raw }) => raw.includes('"\\udbfflone"'))).toBe(true);
});

it('elsewhere is replaced once, and mapped alike ever after', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 3 } });
  const row = freshRow(bench.sandbox, 'okcc', Date.now() - 30 * MINUTE);
  bench.sandbox.insert('okcc', {
    ...row,
    session: 'odd',
    agent: 'a\ud800\u0000',
    userData: '\ud800',
  });
  for (const args of [['sync'], ['sync'], ['reprocess']]) {
    const { code, stderr } = await bench.run(...args);
    expect(code, stderr).toBe(0);
  }
  const Kept = z.object({
    agent: z.string(),
    custom: z.string(),
    version: z.int(),
    change_seq: z.int(),
  });
  const sql = "select agent, custom, version, change_seq from calls where call_id = 'odd'";
  const [kept] = query(bench.store, Kept, sql);
  expect(kept).toMatchObject({ agent: 'a\u{fffd}\u{fffd}', version: 1 });
  expect(kept?.custom).toContain('\\ud800');
  // Each call was written once, this one too, in whichever order.
  const calls = countIn(bench.store, 'calls');
  expect(kept?.change_seq).toBeLessThanOrEqual(calls);
  expect(query(bench.store, z.object({ value: z.int() }), 'select value from counters')).toEqual([
    { value: calls },
  ]);
});
