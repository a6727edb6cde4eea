import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { costText } from '../src/commands/audits.ts';
import { itniotech } from '../src/providers/itniotech.ts';
import { sandboxConfig } from '../src/sandbox/config.ts';
import { MINUTE } from '../src/time.ts';
import { fixture } from './fixtures/itniotech/fixture.ts';
import { tamper } from './support/tamper.ts';
import { accountsOf, freshRow, openWorkbench } from './support/workbench.ts';

// A currency is a code of three letters; whatever else stands where one should is no currency.

vi.setConfig({ testTimeout: 60_000 });

const row = (fields: Record<string, string | null>) => ({
  ...{ voiceId: 'v', submitTime: '2026-11-01T00:00:00+08:00', cost: '0.10' },
  ...fields,
});

it.each([
  ['CNY', 'CNY'],
  ['usd', 'usd'],
  [null, 'USD'],
  ['', 'USD'],
  ['13800138000', null],
  ['US\u001b[2J', null],
  ['US', null],
  ['USD 13800138000', null],
  ['\u009b1m', null],
])('reads %j as the currency %j', (currency, read) => {
  const open = (own: string | null) => itniotech.open({ ...fixture.account, currency: own });
  const mapped = open(null).toCall(row({ currency }), () => null);
  expect(mapped).toMatchObject({ kind: 'call', call: { cost: '0.10', currency: read } });
  // What the configuration says holds where the provider says nothing that can be read.
  const known = open('EUR').toCall(row({ currency }), () => null);
  expect(known).toMatchObject({ call: { currency: read ?? 'EUR' } });
  expect(open(null).mappingVersion).toBe(2);
});

const Shown = z.object({ calls: z.array(z.looseObject({ listed_on: z.string() })) });

const shown = (document: string) => Shown.parse(JSON.parse(document)).calls;

it('is mapped anew where an older version stored it, and harms no terminal before that', async () => {
  const bench = await openWorkbench({
    providers: ['itniotech'],
    sandbox: { days: 1, callsPerDay: 3 },
  });
  const odd = freshRow(bench.sandbox, 'itniotech', Date.now() - 30 * MINUTE);
  bench.sandbox.insert('itniotech', {
    ...odd,
    voiceId: 'odd',
    currency: 'X\u001b[31m\u009b',
    cost: '1',
  });
  const well = async (...args: string[]) => {
    const { code, stdout, stderr } = await bench.run(...args);
    expect(code, stderr).toBe(0);
    return stdout;
  };
  await well('sync');
  expect(shown(await well('--json', 'show', 'odd'))[0]).toMatchObject({
    ...{ cost: '1', currency: null, mapping_version: 2 },
    raw: { currency: 'X\u001b[31m\u009b' },
  });
  const old = "update calls set currency = ?, mapping_version = 1 where call_id = 'odd'";
  expect(tamper(bench.store, old, 'X\u001b[31m\u009b')).toBe(1);
  const masked = await well('export', '--mask', '--format', 'csv');
  expect(masked).toContain('X');
  const [{ listed_on: day } = { listed_on: '' }] = shown(await well('--json', 'show', 'odd'));
  for (const args of [
    ['show', 'odd'],
    ['verify', '--explain', day],
  ]) {
    const { stdout } = await bench.run(...args);
    expect(stdout).toContain('X [31m');
    expect(stdout).not.toMatch(/(?!\n)\p{Cc}/u);
  }
  await well('reprocess');
  expect(shown(await well('--json', 'show', 'odd'))[0]).toMatchObject({
    ...{ currency: null, mapping_version: 2, version: 1 },
  });
});

it('moves no cursor in the sums of a day', () => {
  expect(costText({ 'A\u001b[2J\r\u009b\u0000': '1', CNY: '2' })).toBe('1 A [2J   , 2 CNY');
});

it('shows no secret that a provider repeats as one', async () => {
  const bench = await openWorkbench({ providers: ['okcc'], sandbox: { days: 1, callsPerDay: 20 } });
  const [account = {}] = accountsOf(bench.sandbox, ['okcc'], { currency: 'QZX' });
  const other = { ...account, id: 'other', credentials: { customer: 'other', password: 'QZX' } };
  await bench.writeConfig({
    ...sandboxConfig(bench.sandbox, { store: bench.storeUrl }),
    accounts: [account, other],
  });
  for (const args of [['--json'], []]) {
    const check = await bench.run(...args, 'config', 'check', '--account', 'demo-okcc');
    expect(check.stdout).toContain('[redacted]');
    expect(check.stdout).not.toContain('QZX');
  }
});
