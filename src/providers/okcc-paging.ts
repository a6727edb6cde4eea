import { z } from 'zod';
import { isObject, type Json, type JsonObject, parseJson, writeJson } from '../json.ts';
import type { Span } from '../time.ts';
import { received, text } from './fields.ts';
import type { After, Ask, Page } from './provider.ts';

/**
 * How a list of OKCC is walked, which its document leaves open. Apart from the
 * connector, because it changes for other reasons: with what installations are
 * found to do with \`startKey\`, \`total\` and \`size\`.
 */

/** The values of `serviceType` in the provider's document: all that a list can be narrowed by. */
const SERVICE_TYPES = [1, 2, 3, 4, 5, 7, 9, 17, 18, 19, 21];

const total = z.int().nullable();

/**
 * Where a walk stands. The document says of `startKey` only "the Id to query
 * from", so its meaning is learnt from the pages it brings. The phases after
 * `keyed` narrow a second that holds more than a page shows: its two instants,
 * then its service types. `total` is what the first page said of the range:
 * later pages may count the rest from `startKey`, or their own part.
 */
const position = z.discriminatedUnion('phase', [
  z.object({ phase: z.literal('keyed'), startKey: received, rows: z.int(), total }),
  /** `full`: how many rows the page had that could not be walked on from. */
  z.object({ phase: z.literal('from'), full: z.int().nullable(), total }),
  z.object({ phase: z.literal('to'), full: z.int().nullable(), rows: z.int(), total }),
  z.object({ phase: z.literal('service'), index: z.int(), total: z.int() }),
]);

type Position = z.infer<typeof position>;

function readPosition(cursor: string | null): Position | null {
  return cursor === null ? null : position.parse(parseJson(cursor));
}

const writePosition = (at: Position): string => writeJson(at);

const more = (next: Position): After => ({ kind: 'more', cursor: writePosition(next) });
const end = (proof: boolean): After => ({ kind: 'end', proof });
const stuck = (reason: string): After => ({ kind: 'stuck', reason });

/** A page as it was listed. */
export interface Listed {
  readonly rows: readonly Json[];
  readonly total: number | null;
  /** How many rows a page may have; null where the response does not say. */
  readonly size: number | null;
}

/** Whether rows may have been left out. Without a stated size only an empty page is surely whole. */
function isFull({ rows, size }: Listed): boolean {
  return rows.length > 0 && (size === null || rows.length >= size);
}

/** What a page says of what follows it, at the position of its cursor. */
export function readPage(listed: Listed, cursor: string | null): Page {
  const at = readPosition(cursor);
  const { rows } = listed;
  if (at === null) return firstPage(listed);
  if (at.phase === 'keyed') return keyedPage(listed, at);
  // What narrows a second lists again what its pages had listed.
  const overlap = rows.length;
  const page = (after: After): Page => ({ kind: 'page', rows, total: at.total, overlap, after });
  if (at.phase === 'service') {
    if (listed.size !== null && isFull(listed)) return page(stuck('one service type fills a page'));
    const index = at.index + 1;
    if (index < SERVICE_TYPES.length) return page(more({ ...at, index }));
    // A type missing in the document would be missing here too: only the total can prove this.
    return page(stuck('the service types do not add up to the total'));
  }
  if (isFull(listed)) return page(stuck('one instant fills a page'));
  if (at.phase === 'from') return page(more({ ...at, phase: 'to', rows: rows.length }));
  // A server that leaves a range's end out lists nothing for an instant.
  const whole = at.full !== null && at.rows + rows.length >= at.full;
  return page(whole ? end(true) : stuck('the instants list less than their second'));
}

function firstPage({ rows, total: stated, size }: Listed): Page {
  const short = size !== null && rows.length < size;
  const beyond = stated !== null && stated > rows.length;
  // A total equal to a full page may count that page alone.
  const total = beyond || (short && stated === rows.length) ? stated : null;
  const page = (after: After): Page => ({ kind: 'page', rows, total, after });
  if (rows.length === 0 || (short && !beyond)) return page(end(true));
  return page(nextKey(rows, total));
}

function keyedPage(
  { rows, total: stated, size }: Listed,
  at: Extract<Position, { phase: 'keyed' }>,
): Page {
  const total = at.total === null ? null : Math.max(at.total, stated ?? 0);
  const start = keyText(at.startKey);
  const overlap = rows.filter((row) => rowKeyText(row) === start).length;
  const page = (after: After): Page => ({ kind: 'page', rows, total, overlap, after });
  if (rows.length === 0 || (rows.length === 1 && overlap === 1)) {
    // The wrong direction would have brought the other rows of the page before, if there were any.
    const single = at.rows < 2;
    return page(single && size === 1 ? stuck('a page holds a single row') : end(!single));
  }
  if (size !== null && rows.length < size) return page(end(true));
  if (rowKeyText(lastKeyed(rows)) === start) return page(stuck('startKey does not move the list'));
  return page(nextKey(rows, total));
}

function nextKey(rows: readonly Json[], total: number | null): After {
  const last = lastKeyed(rows);
  const startKey = isObject(last) ? last['key'] : undefined;
  if (startKey === undefined) return stuck('no row of the page has a key');
  return more({ phase: 'keyed', startKey, rows: rows.length, total });
}

function lastKeyed(rows: readonly Json[]): Json | undefined {
  return rows.findLast((row) => rowKeyText(row) !== null);
}

function rowKeyText(row: Json | undefined): string | null {
  return isObject(row) ? keyText(row['key']) : null;
}

/** A key may be text on one page and a number on the next. */
function keyText(key: Json | undefined): string | null {
  return text.safeParse(key).data ?? null;
}

/** The position that asks for less within one second, where the page at `cursor` could not show it all. */
export function narrow({ cursor }: Ask): string | null {
  const at = readPosition(cursor);
  if (at === null) return writePosition({ phase: 'from', full: null, total: null });
  if (at.phase === 'keyed') return writePosition({ phase: 'from', full: at.rows, total: at.total });
  if (at.phase === 'service' || at.total === null) return null;
  return writePosition({ phase: 'service', index: 0, total: at.total });
}

export interface Wanted extends Span {
  /** What narrows the list: `startKey` or `serviceType`. */
  readonly filter: JsonObject;
}

/** What is to be asked for at the position of the cursor. */
export function wanted({ from, to, cursor }: Ask): Wanted {
  const at = readPosition(cursor);
  switch (at?.phase) {
    case undefined:
      return { from, to, filter: {} };
    case 'keyed':
      return { from, to, filter: { startKey: at.startKey } };
    case 'from':
      return { from, to: from, filter: {} };
    case 'to':
      return { from: to, to, filter: {} };
    case 'service': {
      const serviceType = SERVICE_TYPES[at.index];
      return { from, to, filter: serviceType === undefined ? {} : { serviceType } };
    }
  }
}
