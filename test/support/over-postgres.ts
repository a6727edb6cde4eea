/**
 * What `npm test` runs over PostgreSQL as well: the files by name, and of those
 * that take long the tests whose names begin so. Any file runs over both with
 * `CDRSYNC_TEST_POSTGRES=verify,erase npx vitest run --project postgres`.
 */
const ROUTINE: Readonly<Record<string, readonly string[] | 'all'>> = {
  store: 'all',
  'number-search': 'all',
  'both-stores': 'all',
  'crash-points': ['a run that dies before 30', 'a run that dies after 12 '],
  lease: ['takes over'],
  crash: ['replaces a killed', 'lets several processes'],
  faults: ['believes no clock'],
  sync: ['stores every call', 'sets a row aside'],
  'store-faults': ['gives up'],
  retention: ['goes through a large store'],
  erase: ['says that a reader', 'writes the tables anew'],
};

const asked = process.env['CDRSYNC_TEST_POSTGRES']?.split(',');

export const OVER_POSTGRES: Readonly<Record<string, readonly string[] | 'all'>> =
  asked === undefined ? ROUTINE : Object.fromEntries(asked.map((file) => [file, 'all']));
