import type { Ask, Page } from '../providers/provider.ts';
import { type PendingWindow, recallPages } from '../store/windows.ts';
import { HOUR, type Span } from '../time.ts';
import { spanText } from './ask-page.ts';
import { commitPage, type Step } from './commit.ts';
import { earlierNow, type RunContext } from './context.ts';
import { freezeEnd } from './freeze.ts';
import type { FinishedRead } from './ledger.ts';
import {
  emptyMemory,
  memoryDigest,
  recallMemory,
  rememberPage,
  type WalkMemory,
} from './memory.ts';
import { readPage } from './page.ts';
import { judge, moveOf, type Verdict } from './proof.ts';
import { type Asked, foresee, type ReadAhead } from './read-ahead.ts';
import { divide, halve } from './windows.ts';

/** A window that proves nothing is walked so often before it is split. */
const WALKS = 3;
/** No window is so long: a list that goes on and on would hold the account for ever. */
const MOST_PAGES = 10_000;
/** A window of many pages is walked in parts of about this many, so that walking one again costs little. */
const PAGES_A_PART = 50;
/** A total may be a lie: what it says is believed in moderation. */
const MOST_PARTS = 64;
const LEAST_SPAN = 2 * HOUR;
/**
 * So many walks of a run may prove nothing before its windows are no longer
 * split: a provider that never lists the same twice would otherwise be asked
 * for every second of every day.
 */
const FUTILE_WALKS = 200;

/**
 * Walks one window, page by page, from where its checkpoint stands, until it is
 * proven, split, or a hole.
 *
 * @param following what the walker will ask for after it, where that is known.
 * @throws CdrError where the provider fails; all pages before are committed.
 */
export async function walkWindow(
  context: RunContext,
  pending: PendingWindow,
  ahead: ReadAhead,
  following: Asked | null,
): Promise<void> {
  let window = pending;
  let memory = recallMemory(await recallPages(context.store, window.id));
  for (;;) {
    context.signal.throwIfAborted();
    const answer = await ahead.take(context, window);
    const { page, ask } = answer;
    // Only the answer tells how far our clock is ahead.
    const begunAt = window.begun_at ?? earlierNow(context, answer.askedAt);
    const frozen = await freezeEnd(context, window, answer);
    if (frozen !== null) {
      if (frozen === 'nothing settled') return;
      window = frozen;
      continue;
    }
    const first = window.pages === 0 ? page : null;
    const open = mayBeForeseen(context, window, ask, first);
    const { paging } = context.connector;
    const foreseen = open ? foresee(page, { window, memory, paging }, following) : null;
    if (foreseen !== null) await ahead.begin(context, foreseen);
    const read = readPage(context, answer.rows(), memory);
    const news = rememberPage(
      memory,
      read.rows.map(({ digest }) => digest),
    );
    const totalMoved =
      window.pages === 0 ? 'held' : moveOf(window.total_moved, window.total, page.total);
    const verdict = judge(page, {
      paging,
      identity: context.connector.identity,
      distinct: memory.counts.size,
      listed: memory.listed,
      repeats: memory.repeats,
      news,
      firstPage: window.pages === 0,
      totalMoved,
      agrees: window.previous !== null && window.previous === memoryDigest(memory),
      cursor: window.cursor,
    });
    const next = {
      ...window,
      begun_at: begunAt,
      total: page.total,
      total_moved: totalMoved,
    };
    const wanted = nextStep(context, next, ask, memory, verdict, first);
    const after = open ? askedAfter(window, wanted, following) : null;
    if (after !== null) await ahead.begin(context, after);
    const step = await commitPage(context, next, read, memory, wanted, ahead.meanwhile);
    logStep(context, ask, verdict, step);
    if (verdict.kind === 'narrow' && verdict.doubtful === true) context.futileWalks += 1;
    if (step.kind !== 'continue' && step.kind !== 'restart') return;
    window = { ...window, ...step.change };
    if (step.kind === 'restart') {
      memory = emptyMemory();
      context.futileWalks += 1;
    }
  }
}

/** Whether a first page is known not to change the window: into parts, or, of a closed day, into a proof. */
function mayBeForeseen(
  { rules }: RunContext,
  { lane, pages }: PendingWindow,
  ask: Ask,
  first: Page | null,
): boolean {
  if (pages >= MOST_PAGES) return false;
  return first === null || (lane !== 'closing' && divide(ask, partsOf(first, ask), rules) === null);
}

/** What is asked for next where a step is taken as it is wanted. */
function askedAfter(window: PendingWindow, step: Step, following: Asked | null): Asked | null {
  if (step.kind === 'proven') return following;
  return step.kind === 'continue' ? { ...window, ...step.change } : null;
}

function nextStep(
  context: RunContext,
  window: PendingWindow,
  ask: Ask,
  memory: WalkMemory,
  verdict: Verdict,
  first: Page | null,
): Step {
  const { begun_at, total, total_moved, pages } = window;
  const going = (cursor: string): Step => ({
    kind: 'continue',
    change: { cursor, begun_at, total, total_moved, pages: pages + 1 },
  });
  switch (verdict.kind) {
    case 'more': {
      if (pages >= MOST_PAGES) {
        const reason = 'the list does not end';
        return { kind: 'hole', read: finished(context, window, memory), reason };
      }
      const parts = first === null ? null : divide(ask, partsOf(first, ask), context.rules);
      return parts === null ? going(verdict.cursor) : { kind: 'split', halves: parts };
    }
    case 'proven':
      return {
        kind: 'proven',
        read: {
          ...finished(context, window, memory),
          proven: true,
          contradiction: verdict.contradiction,
        },
      };
    case 'again': {
      if (context.futileWalks >= FUTILE_WALKS) {
        return {
          kind: 'hole',
          read: finished(context, window, memory),
          reason: verdict.reason,
        };
      }
      const walks = window.walks + 1;
      if (walks >= WALKS) return narrower(context, window, ask, memory, verdict.reason, going);
      const previous = verdict.full ? memoryDigest(memory) : null;
      return {
        kind: 'restart',
        change: {
          cursor: null,
          walks,
          pages: 0,
          begun_at: null,
          total: null,
          total_moved: 'held',
          previous,
        },
      };
    }
    case 'narrow':
      if (verdict.doubtful === true && context.futileWalks >= FUTILE_WALKS) {
        return { kind: 'hole', read: finished(context, window, memory), reason: verdict.reason };
      }
      return narrower(context, window, ask, memory, verdict.reason, going);
  }
}

/** In how many parts a window is walked of which the first page is known. */
function partsOf({ total, rows }: Page, { from, to }: Span): number {
  if (total === null || rows.length === 0 || to - from < LEAST_SPAN) return 1;
  const pages = Math.ceil(total / rows.length);
  return pages > 2 * PAGES_A_PART ? Math.min(MOST_PARTS, Math.ceil(pages / PAGES_A_PART)) : 1;
}

/** Asks for less at a time: half the window, then what the provider can still tell apart within a second. */
function narrower(
  context: RunContext,
  window: PendingWindow,
  ask: Ask,
  memory: WalkMemory,
  reason: string,
  going: (cursor: string) => Step,
): Step {
  const halves = halve(ask, context.rules);
  if (halves !== null) return { kind: 'split', halves };
  const cursor = context.connector.narrow(ask);
  if (cursor !== null) return going(cursor);
  return { kind: 'hole', read: finished(context, window, memory), reason };
}

/** Calls that the walk listed. Without ids of their own, equal rows are as many calls. */
function countListed({ connector }: RunContext, { counts, listed }: WalkMemory): number {
  return connector.identity === 'derived' ? listed : counts.size;
}

function finished(context: RunContext, window: PendingWindow, memory: WalkMemory): FinishedRead {
  return {
    span: { from: window.from_at, to: window.to_at },
    begunAt: window.begun_at ?? 0,
    total: window.total,
    listed: countListed(context, memory),
    proven: false,
    contradiction: false,
  };
}

function logStep({ log, settings }: RunContext, ask: Ask, verdict: Verdict, step: Step): void {
  const fields = { account: settings.id, window: spanText(ask) };
  if (step.kind === 'hole') log.warn(fields, `hole: ${step.reason}`);
  else if (step.kind === 'split' || step.kind === 'restart') {
    const reason = 'reason' in verdict ? verdict.reason : '';
    log.info(fields, `${step.kind}: ${reason}`);
  }
}
