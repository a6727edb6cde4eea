import { infin8linx } from './infin8linx.ts';
import { itniotech } from './itniotech.ts';
import { openTable } from './table.ts';

/**
 * The floor: the least anyone could do to have the same calls in SQLite. One
 * request after the other with the built-in fetch, JSON.parse, the main columns
 * of the unified record and the row as it came, one prepared upsert a row, one
 * transaction a page, WAL with `synchronous = NORMAL` as cdrsync has it.
 *
 * It leaves out: checking what the provider sent, numbers that a double would
 * change, flags, custom fields, content hashes and with them versions and the
 * notion of an unchanged row, the proof that nothing is missing, the memory and
 * the checkpoint of a walk, the ledger of days, quarantine, leases, the record
 * of the run, erasure, retries, timeouts, pacing, proxies, and every index but
 * the key. It cannot go on where it was killed. What it does do it does no
 * slower than it must: nothing is computed that is not stored.
 *
 * Arguments: provider, base URL, file, first midnight (ms), days, and `indexed`
 * for a table with cdrsync's indexes.
 */

const DAY = 86_400_000;
const [provider, base = '', file = '', first = '', days = '', indexed] = process.argv.slice(2);
const api = provider === 'itniotech' ? itniotech : infin8linx;
const table = openTable(file, indexed === 'indexed');
let listed = 0;
for (let day = 0; day < Number(days); day += 1) {
  const from = Number(first) + day * DAY;
  let left = 1;
  for (let page = 1; left > 0; page += 1) {
    const { total, rows } = await api.fetchPage(base, { from, to: from + DAY, page });
    table.write(rows);
    listed += rows.length;
    left = rows.length === 0 ? 0 : total - page * api.size;
  }
}
table.close();
process.stdout.write(`${JSON.stringify({ listed })}\n`);
