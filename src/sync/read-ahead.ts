import { setImmediate as breathe } from 'node:timers/promises';
import type { Page, Paging } from '../providers/provider.ts';
import type { PendingWindow } from '../store/windows.ts';
import { type AskedPage, askPage } from './ask-page.ts';
import type { AskOptions } from './client.ts';
import type { RunContext } from './context.ts';
import type { WalkMemory } from './memory.ts';
import { type ReadRow, rowReader } from './rows.ts';

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
  take(context: RunContext, asked: Asked): Promise<TakenPage>;
  /**
   * Says that there is time for the answer by now: the page before is with the
   * database, which this thread has nothing to do for. Until then, it would only
   * keep the database waiting for the next statement.
   */
  readonly meanwhile: () => void;
  /** Gives up what is under way, and waits until it is. */
  drop(): Promise<void>;
}

export interface TakenPage extends AskedPage {
  /** Its rows, mapped: once, and by now where there was time for it. */
  readonly rows: () => readonly ReadRow[];
}

interface UnderWay {
  readonly asked: Asked;
  readonly answer: Promise<TakenPage>;
  readonly haveTime: () => void;
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
    meanwhile: () => underWay?.haveTime(),
    async begin(context, asked) {
      if (underWay !== null) return;
      const { id, from_at, to_at, cursor } = asked;
      const needed = Promise.withResolvers<void>();
      const left = Promise.withResolvers<void>();
      const time = Promise.withResolvers<void>();
      const abandoned = new AbortController();
      const answer = takePage(context, asked, {
        needed: needed.promise,
        time: time.promise,
        signal: abandoned.signal,
        onLeft: left.resolve,
      });
      mapMeanwhile(answer, () => underWay?.answer === answer);
      underWay = {
        asked: { id, from_at, to_at, cursor },
        answer,
        haveTime: time.resolve,
        need: () => {
          needed.resolve();
          time.resolve();
        },
        abandon: () => {
          abandoned.abort();
          needed.resolve();
          time.resolve();
        },
      };
      await Promise.race([left.promise, answer.catch(() => undefined)]);
    },
    async take(context, asked) {
      if (underWay === null || !isSame(underWay.asked, asked)) {
        await drop();
        return takePage(context, asked);
      }
      const { answer, need } = underWay;
      underWay = null;
      need();
      return answer;
    },
  };
}

async function takePage(
  context: RunContext,
  asked: Asked,
  options?: AskOptions,
): Promise<TakenPage> {
  const answer = await askPage(context, asked, options);
  let rows: readonly ReadRow[] | null = null;
  return {
    ...answer,
    rows: () => {
      rows ??= answer.page.rows.map(rowReader(context, answer.ask));
      return rows;
    },
  };
}

/**
 * Maps the rows of a page that nobody waits for yet: the one before is still
 * being written by a server, as `meanwhile` said. Who waits has a request
 * to send first.
 */
function mapMeanwhile(answer: Promise<TakenPage>, isIdle: () => boolean): void {
  const map = async (): Promise<void> => {
    const { rows } = await answer;
    await breathe();
    if (isIdle()) rows();
  };
  // What failed fails again where it is asked for.
  map().catch(() => undefined);
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
