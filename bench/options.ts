import { parseArgs } from 'node:util';
import { ENTRIES, type Entry } from './entries/index.ts';

export interface Options {
  readonly entries: readonly Entry[];
  readonly rounds: number;
  /** By what every number of calls is multiplied: below 1 for a quick look, which proves nothing. */
  readonly scale: number;
  /** Where the results are written as JSON. */
  readonly json: string | null;
  /** Where CPU profiles are put. */
  readonly profile: string | null;
  /** Where temporary stores are made. */
  readonly folder: string | null;
}

export const USAGE = `npm run bench -- [--only NAME]… [--rounds 5] [--scale 1] [--json FILE] [--profile DIR] [--folder DIR]

${ENTRIES.map(({ name, says }) => `  ${name.padEnd(22)} ${says}`).join('\n')}
`;

/** @throws Error that says what is wrong with the arguments. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '5' },
      scale: { type: 'string', default: '1' },
      json: { type: 'string' },
      profile: { type: 'string' },
      folder: { type: 'string' },
    },
  });
  const rounds = Number(values.rounds);
  const scale = Number(values.scale);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error('--rounds is a whole number');
  if (!(scale > 0 && scale <= 1)) throw new Error('--scale is above 0 and at most 1');
  const { json = null, profile = null, folder = null } = values;
  return { entries: chosen(values.only), rounds, scale, json, profile, folder };
}

/** A name takes every entry that begins with it. */
function chosen(names: readonly string[]): readonly Entry[] {
  if (names.length === 0) return ENTRIES.filter(({ standing }) => standing !== 'aside');
  for (const name of names) {
    if (!ENTRIES.some((entry) => entry.name.startsWith(name)))
      throw new Error(`there is no entry ${name}`);
  }
  return ENTRIES.filter((entry) => names.some((name) => entry.name.startsWith(name)));
}
