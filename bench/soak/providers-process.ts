import { writeJson } from '../../src/json.ts';
import type { Sandbox } from '../../src/sandbox/contract.ts';
import type { Faults } from '../../src/sandbox/faults.ts';
import { startSandbox } from '../../src/sandbox/server.ts';
import { makeTraffic } from '../../src/sandbox/traffic.ts';
import type { ProviderName } from '../../src/sandbox/wire.ts';
import { HOUR, isZone, zoneClock } from '../../src/time.ts';
import { watchClashes } from './clashes.ts';
import { Ask, type Row, withoutSignature } from './messages.ts';

/**
 * The simulated providers, in a process of their own so that what they need is
 * not counted as the worker's. Arguments: how many worlds of five
 * providers, and which share of their answers fails.
 */

/** About how many calls an hour each account gets. */
const CALLS_PER_HOUR = 120;
/** The hour of their wall clock at which the providers are when they start: the office has opened. */
const OFFICE_HOUR = 9;

let frozen: number | null = null;
const now = (): number => frozen ?? Date.now();

const zone = officeZone(now());
const clock = zoneClock(zone);
const begun = now();
const faultRate = Number(process.argv[3]);
const sandboxes: Sandbox[] = [];
for (let seed = 1; seed <= Number(process.argv[2]); seed += 1) {
  const callsPerDay = callsPerDayFor(seed);
  sandboxes.push(await startSandbox({ seed, now, zone, callsPerDay, days: 0, live: true }));
}
if (faultRate > 0) {
  const faults: Faults = { rate: faultRate, kinds: ['reset', '500', '503', 'truncated', 'html'] };
  for (const sandbox of sandboxes) {
    for (const { provider } of sandbox.accounts) sandbox.setFaults(provider, faults);
  }
}
const nameOf = (index: number, provider: string): string =>
  `${provider}-${String(index + 1).padStart(3, '0')}`;
const accounts = sandboxes.flatMap((sandbox, index) =>
  sandbox.accounts.map((account) => ({ ...account, id: nameOf(index, account.provider) })),
);
const counts = watchClashes((port, path) => {
  const index = sandboxes.findIndex((sandbox) => sandbox.port === port);
  return nameOf(index, path.split('/')[1] ?? '');
});

// A signal to the whole group is for the soak to act on; without the soak there is nothing to do.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
process.on('message', (message) => {
  const { id, kind } = Ask.parse(message);
  process.send?.({ kind: 'answer', id, answer: answer(kind) });
});
process.send?.({ kind: 'ready', accounts });

function answer(kind: Ask['kind']): unknown {
  switch (kind) {
    case 'counts':
      return counts();
    case 'freeze':
      frozen ??= Date.now();
      return { at: frozen };
    case 'rows':
      return sandboxes.flatMap((sandbox, index) =>
        sandbox.accounts.flatMap(({ provider }) => rowsOf(sandbox, index, provider)),
      );
  }
}

function rowsOf(sandbox: Sandbox, index: number, provider: ProviderName): Row[] {
  const field = TIME_FIELD[provider];
  return sandbox.rows(provider).map((row) => {
    const time = clock.parse(String(row[field]));
    if (time === null) throw new Error(`a row of ${provider} has no ${field}`);
    const raw = withoutSignature(writeJson(row));
    return { account: nameOf(index, provider), at: time.at, raw };
  });
}

/** A zone in which it is the office hour now, whenever the soak is run: calls come in steadily. */
function officeZone(at: number): string {
  const zones = Intl.supportedValuesOf('timeZone').filter(isZone);
  const found = zones.find((name) => hourIn(name, at) === OFFICE_HOUR);
  if (found === undefined) throw new Error('no zone has the office hour now');
  return found;
}

function hourIn(name: string, at: number): number {
  return Number(zoneClock(name).format(at).slice(11, 13));
}

/** The share of a day's calls that the next hour has is the traffic's own affair, so it is asked. */
function callsPerDayFor(seed: number): number {
  const sample = 10_000;
  const hour = { seed, from: begun, to: begun + HOUR, callsPerDay: sample, zone };
  return Math.round((CALLS_PER_HOUR * sample) / makeTraffic(hour).length);
}

const TIME_FIELD: Readonly<Record<ProviderName, string>> = {
  infin8linx: 'starttime',
  itniotech: 'submitTime',
  okcc: 'startTime',
  udesk: 'createTime',
  vos: 'start_time',
};
