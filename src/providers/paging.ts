import type { Json } from '../json.ts';
import type { After, Ask, Page } from './provider.ts';

/** Where a walk over counted pages stands: what its cursor holds. */
export interface PageCount {
  /** From 1. */
  readonly page: number;
  /** Rows listed by the pages before, repeats included. */
  readonly before: number;
}

/** Reads the cursor that a page before gave; the first page has none. */
export function pageCount(cursor: string | null): PageCount {
  const [page = 1, before = 0] = cursor === null ? [] : cursor.split(':').map(Number);
  return { page, before };
}

export interface Counted {
  /** How many rows a page was asked for. */
  readonly asked: number;
  /** What the response states, where it does. */
  readonly total: number | null;
  readonly size: number | null;
}

/** One page of a counted list, as the engine wants it. */
export function countedPage({ cursor }: Ask, rows: readonly Json[], stated: Counted): Page {
  const count = pageCount(cursor);
  const total = believedTotal(count, rows.length, stated);
  return { kind: 'page', rows, total, after: afterPage(count, rows.length, { ...stated, total }) };
}

/**
 * The total, where it can be one of the whole window: a server that counts the
 * page instead states the same number for every full page.
 */
function believedTotal(count: PageCount, rows: number, stated: Counted): number | null {
  const full = rows >= (stated.size ?? stated.asked);
  return count.page === 1 && full && stated.total === rows ? null : stated.total;
}

/**
 * What follows a counted page. The walk goes on while the stated total says
 * that more exists; without a total to believe, until a page is empty or
 * shorter than the size that the server keeps to. A stated size that is no more
 * than an echo of the one asked for shows that only after a full page of it.
 * A server that caps the page below what was asked is walked at its own size.
 */
function afterPage({ page, before }: PageCount, rows: number, stated: Counted): After {
  const { asked, total, size } = stated;
  if (rows === 0) return { kind: 'end', proof: true };
  const listed = before + rows;
  const more: After = { kind: 'more', cursor: `${page + 1}:${listed}` };
  if (total !== null && listed < total) return more;
  if (size === null || rows >= size) return more;
  const kept = size !== asked || (page > 1 && before === (page - 1) * size);
  // Counted to the end, the engine compares; to ask further would only cost a request.
  return kept || listed === total ? { kind: 'end', proof: true } : more;
}
