import type { After } from './provider.ts';

/** Where a walk over counted pages stands: what its cursor holds. */
export interface PageCount {
  /** From 1. */
  readonly page: number;
  /** Rows listed by the pages before, repeats included. */
  readonly before: number;
}

/** Reads the cursor that `afterPage` wrote; the first page has none. */
export function pageCount(cursor: string | null): PageCount {
  const [page = 1, before = 0] = cursor === null ? [] : cursor.split(':').map(Number);
  return { page, before };
}

/**
 * What follows a counted page. The walk goes on while the stated total says
 * that more exists; without a total to believe, until a page is empty or
 * shorter than the size that the response says it kept to. A server that caps
 * the page below what was asked is walked at its own size.
 */
export function afterPage(
  { page, before }: PageCount,
  rows: number,
  stated: { readonly total: number | null; readonly size: number | null },
): After {
  if (rows === 0) return { kind: 'end', proof: true };
  const listed = before + rows;
  const more: After = { kind: 'more', cursor: `${page + 1}:${listed}` };
  if (stated.total !== null && listed < stated.total) return more;
  if (stated.size !== null && rows < stated.size) return { kind: 'end', proof: true };
  return more;
}
