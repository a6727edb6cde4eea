import pg from 'pg';

/**
 * Loaded into the real binary with `--import`, as kill-at.ts is for SQLite: kills
 * it just before, or when it has the answer to, the n-th query of a kind.
 */
const [, when, count, beginning] =
  /^(before|after) (\d+) (.+)$/.exec(process.env['CDRSYNC_TEST_KILL'] ?? '') ?? [];

if (beginning !== undefined) {
  let left = Number(count);
  const die = (): void => {
    process.kill(process.pid, 'SIGKILL');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5000);
  };
  const { query } = pg.Client.prototype;
  // Set by reflection: the types of the driver know no replaced method.
  Reflect.set(pg.Client.prototype, 'query', function (this: pg.Client, ...given: unknown[]) {
    const [text] = given;
    if (typeof text !== 'string' || !text.startsWith(beginning)) {
      return Reflect.apply(query, this, given);
    }
    left -= 1;
    if (left === 0 && when === 'before') die();
    const answer: unknown = Reflect.apply(query, this, given);
    if (left === 0 && answer instanceof Promise) return answer.then(die);
    return answer;
  });
}
