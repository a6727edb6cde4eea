import { parseArgs } from 'node:util';
import { formatDuration, MINUTE, parseDuration } from '../../src/time.ts';
import { BACKENDS, type BackendKind } from './backends.ts';

export const STORES = ['sqlite', 'postgres'] as const;
export type StoreKind = (typeof STORES)[number];

export interface Options {
  readonly backends: readonly BackendKind[];
  readonly store: StoreKind;
  /** Of the providers' answers that fail, such as 0.05. */
  readonly faultRate: number;
  /** A multiple of five: each simulated world has one account at each of the five providers. */
  readonly accounts: number;
  /** As in the configuration, such as `2s`. */
  readonly every: string;
  readonly everyMs: number;
  readonly minutes: number;
  readonly idle: boolean;
  readonly json: boolean;
}

export const USAGE = `npm run soak -- [--queue embedded|redis|postgres|all] [--store sqlite|postgres] [--fault-rate 0.05] [--accounts 50] [--every 2s] [--minutes 5] [--json]
npm run soak -- --idle [--queue …] [--json]
`;

/** @throws Error that says what is wrong with the arguments. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      queue: { type: 'string', default: 'all' },
      store: { type: 'string', default: 'sqlite' },
      'fault-rate': { type: 'string', default: '0' },
      accounts: { type: 'string', default: '50' },
      every: { type: 'string', default: '2s' },
      minutes: { type: 'string', default: '5' },
      idle: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
  });
  const everyMs = parseDuration(values.every);
  const accounts = Number(values.accounts);
  const minutes = Number(values.minutes);
  if (everyMs === null || everyMs === 0) throw new Error('--every is a duration such as 2s');
  if (!Number.isInteger(accounts) || accounts < 5 || accounts % 5 !== 0)
    throw new Error('--accounts is a multiple of five');
  const store = STORES.find((known) => known === values.store);
  if (store === undefined) throw new Error(`--store is one of ${STORES.join(', ')}`);
  const faultRate = Number(values['fault-rate']);
  if (!(faultRate >= 0 && faultRate < 0.5)) throw new Error('--fault-rate is from 0 to below 0.5');
  if (!(minutes >= 1)) throw new Error('--minutes is at least 1');
  return {
    backends: backendsOf(values.queue),
    store,
    faultRate,
    accounts,
    every: formatDuration(everyMs),
    everyMs,
    minutes,
    idle: values.idle,
    json: values.json,
  };
}

function backendsOf(name: string): readonly BackendKind[] {
  if (name === 'all') return BACKENDS;
  const kind = BACKENDS.find((known) => known === name);
  if (kind === undefined) throw new Error(`--queue is one of ${BACKENDS.join(', ')}, all`);
  return [kind];
}

export function lengthOf({ minutes }: Pick<Options, 'minutes'>): number {
  return minutes * MINUTE;
}
