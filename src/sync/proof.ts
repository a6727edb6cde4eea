import type { After, Identity, Page, Paging } from '../providers/provider.ts';
import type { PageNews } from './memory.ts';

/**
 * When a window counts as read completely, and what to do as long as it does
 * not. A watermark moves over proven windows and recorded holes, over nothing else.
 */

export interface WalkEvidence {
  readonly paging: Paging;
  readonly identity: Identity;
  /** Distinct identities listed so far, quarantined rows included. */
  readonly distinct: number;
  /** Rows listed so far, repeats included. */
  readonly listed: number;
  /** Rows that an earlier page had listed already. */
  readonly repeats: number;
  readonly news: PageNews;
  readonly firstPage: boolean;
  /** How the stated total changed during this walk. */
  readonly totalMoved: TotalMove;
  /** Whether the full walk before this one listed exactly the same. */
  readonly agrees: boolean;
  /** The cursor that this page was asked with. */
  readonly cursor: string | null;
}

/** A total that shrank means rows that slid over a page border unseen. */
export type TotalMove = 'held' | 'grew' | 'shrank';

/** How a total has moved with one more response. */
export function moveOf(before: TotalMove, last: number | null, total: number | null): TotalMove {
  if (before === 'shrank' || last === total) return before;
  if (last === null || total === null) return before;
  return total < last ? 'shrank' : 'grew';
}

export type Verdict =
  | { readonly kind: 'more'; readonly cursor: string }
  /** With `contradiction`, two equal walks stand against the total that the provider states. */
  | { readonly kind: 'proven'; readonly contradiction: boolean }
  /** The list moved or contradicts itself: walk it from its first page. `full` when this walk reached its end. */
  | { readonly kind: 'again'; readonly full: boolean; readonly reason: string }
  /**
   * Paging does not reach the rest, whatever is tried: ask for less at a time.
   * `doubtful` where only the stated total speaks for a rest.
   */
  | { readonly kind: 'narrow'; readonly reason: string; readonly doubtful?: boolean };

export function judge(page: Page, evidence: WalkEvidence): Verdict {
  const { total, rows, overlap = 0 } = page;
  if (total !== null && countProves(total, evidence)) {
    return { kind: 'proven', contradiction: false };
  }
  const next = evidence.paging === 'keyed' ? heeded(page, evidence) : page.after;
  switch (next.kind) {
    case 'stuck':
      return { kind: 'narrow', reason: next.reason };
    case 'more':
      if (next.cursor === evidence.cursor) return stalled(evidence, 'the cursor does not advance');
      if (rows.length > overlap && evidence.news.fresh === 0)
        return stalled(evidence, 'a page repeats');
      return next;
    case 'end':
      return atEnd(next.proof, total, evidence);
  }
}

/**
 * As many calls as the total states are all calls, unless rows went while the
 * list was read. A derived identity numbers equal rows, so a page that shifted
 * would count one row twice: a total that held still and a walk without a
 * repeat rule that out, or a second walk that lists the same.
 */
function countProves(total: number, evidence: WalkEvidence): boolean {
  if (countOf(evidence) !== total || evidence.totalMoved === 'shrank') return false;
  if (evidence.identity === 'native') return true;
  return evidence.totalMoved === 'held' && evidence.repeats === 0;
}

function countOf({ identity, distinct, listed }: WalkEvidence): number {
  return identity === 'derived' ? listed : distinct;
}

/**
 * Whether the provider heeded the key is seen in its answer: apart from the row
 * of the key itself, every row is new. One that goes the other way, or ignores
 * the key, lists known rows, and its short page ends nothing.
 */
function heeded({ after, overlap = 0 }: Page, { firstPage, news }: WalkEvidence): After {
  if (firstPage || news.repeats <= overlap) return after;
  return { kind: 'stuck', reason: 'the provider does not heed the key to start from' };
}

function stalled({ paging }: WalkEvidence, reason: string): Verdict {
  return paging === 'keyed' ? { kind: 'narrow', reason } : { kind: 'again', full: false, reason };
}

function atEnd(proof: boolean, total: number | null, evidence: WalkEvidence): Verdict {
  const count = countOf(evidence);
  const untrusted = total === null || total < count;
  // Where pages are counted, a row that comes twice has pushed another one over a border.
  const shifted = evidence.paging === 'numbered' && evidence.repeats > 0;
  const shrank = evidence.totalMoved === 'shrank';
  if (proof && untrusted && !shifted && !shrank) return { kind: 'proven', contradiction: false };
  const reason =
    total === null || total <= count
      ? 'nothing shows that the list ends here'
      : `the provider states ${total} rows and lists ${count}`;
  // A key that skips rows skips them every time; a smaller span needs no key.
  if (evidence.paging === 'keyed' && total !== null && total > count) {
    return { kind: 'narrow', reason, doubtful: true };
  }
  if (evidence.agrees) return { kind: 'proven', contradiction: !untrusted && total !== count };
  return { kind: 'again', full: true, reason };
}
