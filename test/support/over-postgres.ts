/**
 * What `npm test` runs over PostgreSQL as well: the files by name, and of those
 * that take long the tests whose names begin so. Any file runs over both with
 * `CDRSYNC_TEST_POSTGRES=verify,erase npx vitest run --project postgres`.
 */
const ROUTINE: Readonly<Record<string, readonly string[] | 'all'>> = {
  store: 'all',
  'both-stores': 'all',
  'crash-points': [
    'a run that dies before 30',
    'a run that dies after 30',
    'a run that dies after 6 ',
  ],
  lease: 'all',
  crash: ['ends with the store', 'replaces a killed', 'lets several processes'],
  follow: ['leaves a consumer'],
  sync: ['stores every call', 'sets a row aside', 'keeps the identity'],
  verify: ['finds in old days'],
  'store-faults': ['gives up'],
  retention: ['overwrites what is older'],
  erase: ['takes a number out of the calls of vos', 'says that a reader'],
};

const asked = process.env['CDRSYNC_TEST_POSTGRES']?.split(',');

export const OVER_POSTGRES: Readonly<Record<string, readonly string[] | 'all'>> =
  asked === undefined ? ROUTINE : Object.fromEntries(asked.map((file) => [file, 'all']));
