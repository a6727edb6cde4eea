import { parseArgs } from 'node:util';
import type { Phase } from './phase.ts';
import { PHASES } from './phases.ts';
import { KINDS, type Kind } from './side.ts';

export type Wish =
  | { readonly kind: 'measure'; readonly options: Options }
  /** Sets the results of earlier runs side by side. */
  | { readonly kind: 'tables'; readonly files: readonly string[] };

export interface Options {
  readonly store: Kind;
  /** Of a server that may be filled; each store gets a database of its own there. */
  readonly server: string;
  readonly calls: number;
  readonly news: number;
  readonly rounds: number;
  readonly phases: readonly Phase[];
  readonly json: string | null;
  readonly folder: string | null;
  readonly keep: boolean;
}

const SERVER = 'postgres://postgres@127.0.0.1:5432/postgres';

export const USAGE = `npm run scaling -- --store ${KINDS.join('|')} [--calls 1000000] [--new 50000] [--rounds 3]
  [--only PHASE]… [--experiment PHASE]… [--json FILE] [--folder DIR] [--server URL] [--keep]
npm run scaling -- --tables FILE.json…

${PHASES.map(({ name, says, standing }) => `  ${name.padEnd(10)} ${says}${standing === 'aside' ? ' (by --experiment)' : ''}`).join('\n')}

--server is the PostgreSQL server, by a user that may make databases (${SERVER}).
--keep leaves the file or the databases where they are.
`;

/** @throws Error that says what is wrong with the arguments. */
export function readWish(argv: readonly string[]): Wish {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      store: { type: 'string' },
      server: { type: 'string', default: SERVER },
      calls: { type: 'string', default: '1000000' },
      new: { type: 'string', default: '50000' },
      rounds: { type: 'string', default: '3' },
      only: { type: 'string', multiple: true, default: [] },
      experiment: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      folder: { type: 'string' },
      keep: { type: 'boolean', default: false },
      tables: { type: 'boolean', default: false },
    },
  });
  if (values.tables) return { kind: 'tables', files: positionals };
  if (positionals.length > 0) throw new Error(`what is ${positionals.join(' ')}?`);
  const store = KINDS.find((kind) => kind === values.store);
  if (store === undefined) throw new Error(`--store is one of ${KINDS.join(', ')}`);
  const calls = whole('--calls', values.calls);
  if (calls < 10_000) throw new Error('--calls is at least 10000');
  const { server, keep, json = null, folder = null } = values;
  const options = {
    ...{ store, server, calls, json, folder, keep },
    news: whole('--new', values.new),
    rounds: whole('--rounds', values.rounds),
    phases: chosen(store, values.only, values.experiment),
  };
  return { kind: 'measure', options };
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`${name} is a whole number`);
  return value;
}

/** Experiments alone where only they are named. */
function chosen(
  store: Kind,
  only: readonly string[],
  experiments: readonly string[],
): readonly Phase[] {
  for (const name of [...only, ...experiments]) {
    if (!PHASES.some((phase) => phase.name === name)) throw new Error(`there is no phase ${name}`);
  }
  const named = [...only, ...experiments];
  return PHASES.filter(
    (phase) =>
      (phase.only === undefined || phase.only === store) &&
      (named.length === 0 ? phase.standing !== 'aside' : named.includes(phase.name)),
  );
}
