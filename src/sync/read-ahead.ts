import type { Page, Paging } from '../providers/provider.ts';
import type { PendingWindow } from '../store/windows.ts';
import { type AskedPage, askPage } from './ask-page.ts';
import type { RunContext } from './context.ts';
import type { WalkMemory } from './memory.ts';

/** A page of a window, by what it is asked for with. */
export type Asked = Pick<PendingWindow, 'id' | 'from_at' | 'to_at' | 'cursor'>;

/**
 * The request for the next page, sent while the page before is still on its way
 * into the store. It is a bet on what the walk will ask for next, and counts for
 * nothing until the walk asks for just that: what became something else
 * meanwhile is given up, and nobody hears of its failure. Each walker has one,
 * so that it still asks for one page at a time.
 */
export interface ReadAhead {
  /**
   * Asks for a page, unless one is asked for already.
   *
   * @returns once the request has left, or has to wait, so that it is not held
   * up by the work that it is to overlap. It never fails.
   */
  begin(context: RunContext, asked: Asked): Promise<void>;
  /**
   * The page as it was read ahead, else asked for now. From here on a failure is
   * tried again as any other.
   *
   * @throws CdrError where the provider fails.
   */
  take(context: RunContext, asked: Asked): Promise<AskedPage>;
  /** Gives up what is under way, and waits until it is. */
  drop(): Promise<void>;
}

interface UnderWay {
  readonly asked: Asked;
  readonly answer: Promise<AskedPage>;
  readonly need: () => void;
  readonly abandon: () => void;
}

export function readAhead(): ReadAhead {
  let underWay: UnderWay | null = null;

  const drop = async (): Promise<void> => {
    const given = underWay;
    underWay = null;
    given?.abandon();
    await given?.answer.catch(() => undefined);
  };

  return {
    drop,
    async begin(context, asked) {
      if (underWay !== null) return;
      const { id, from_at, to_at, cursor } = asked;
      const needed = Promise.withResolvers<void>();
      const left = Promise.withResolvers<void>();
      const abandoned = new AbortController();
      const answer = askPage(context, asked, {
        needed: needed.promise,
        signal: abandoned.signal,
        onLeft: left.resolve,
      });
      underWay = {
        asked: { id, from_at, to_at, cursor },
        answer,
        need: needed.resolve,
        abandon: () => {
          abandoned.abort();
          needed.resolve();
        },
      };
      await Promise.race([left.promise, answer.catch(() => undefined)]);
    },
    async take(context, asked) {
      if (underWay === null || !isSame(underWay.asked, asked)) {
        await drop();
        return askPage(context, asked);
      }
      const { answer, need } = underWay;
      underWay = null;
      need();
      return answer;
    },
  };
}

function isSame(one: Asked, other: Asked): boolean {
  return (
    one.id === other.id &&
    one.from_at === other.from_at &&
    one.to_at === other.to_at &&
    one.cursor === other.cursor
  );
}

/**
 * What will be asked for after a page, as far as its own text says: no row of it
 * has been looked at. Only of counted pages, since whether a key was heeded is
 * seen in the rows.
 *
 * @param following the first page of the window to be walked after this one.
 */
export function foresee(
  { total, rows, after }: Page,
  { window, memory, paging }: Walked,
  following: Asked | null,
): Asked | null {
  if (paging === 'keyed') return null;
  const listed = memory.listed + rows.length;
  switch (after.kind) {
    case 'stuck':
      return null;
    case 'more':
      // As many rows as the total states may prove the window, whatever else the page says.
      if (after.cursor === window.cursor || (total !== null && total <= listed)) return null;
      return { ...window, cursor: after.cursor };
    case 'end':
      return total === listed && memory.repeats === 0 ? following : null;
  }
}

interface Walked {
  readonly window: PendingWindow;
  readonly memory: WalkMemory;
  readonly paging: Paging;
}
