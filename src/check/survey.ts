import { CdrError } from '../errors.ts';
import type { Json } from '../json.ts';
import type { Connector } from '../providers/provider.ts';
import { type Asker, askPage } from '../sync/ask-page.ts';
import type { Client } from '../sync/client.ts';
import { believed } from '../sync/context.ts';
import { settledNow } from '../sync/windows.ts';
import { addDays, HOUR, type Span, type ZoneClock } from '../time.ts';

/** What a few requests show of an account, each part null until it was seen. */
export interface Survey {
  yesterday: Tally | null;
  today: Tally | null;
  /** The provider serves a day only when it is over. */
  todayRefused: boolean;
  /** Of the calls that were seen. They are not kept: a page may have a hundred thousand. */
  readonly calls: CallsSeen;
  /** Rows seen that cannot be read as calls, and why the first one cannot. */
  readonly unreadable: { count: number; reason: string | null };
}

export interface CallsSeen {
  count: number;
  /** Milliseconds since 1970; null where none was seen. */
  newest: number | null;
  readonly currencies: Set<string>;
  /** There are fees in no currency. */
  nakedFees: boolean;
}

export function emptySurvey(): Survey {
  return {
    ...{ yesterday: null, today: null, todayRefused: false },
    calls: { count: 0, newest: null, currencies: new Set(), nakedFees: false },
    unreadable: { count: 0, reason: null },
  };
}

/** How many rows a span has, as far as a few pages tell. */
export interface Tally {
  readonly rows: number;
  /** Stated by the provider, or counted to the end. */
  readonly exact: boolean;
  /** How many rows a page has that others follow; null where one page has them all. */
  readonly pageSize: number | null;
  /** The later rows are on later pages that were not asked for. */
  readonly newestUnseen: boolean;
}

export interface SurveySettings {
  readonly account: string;
  readonly connector: Connector;
  readonly clock: ZoneClock;
  readonly client: Client;
  /** Milliseconds; as in the configuration. */
  readonly settle: number;
}

/** Enough for a second try; a person waits. */
const ATTEMPTS = 2;
const MOST_PAGES = 3;

/**
 * Asks for yesterday, today, and what should not have come yet. What is seen
 * goes into `survey` as it comes, so that a failure leaves it there.
 *
 * @throws CdrError of the first request that fails for good.
 */
export async function look(settings: SurveySettings, survey: Survey): Promise<void> {
  const { connector, clock, client, settle } = settings;
  const { wholeDays } = connector.reach;
  const day = clock.dayOf(Date.now());
  const midnight = clock.startOfDay(day);
  const next = clock.startOfDay(addDays(day, 1));
  const before = clock.startOfDay(addDays(day, -1));
  survey.yesterday = await tally(settings, survey, { from: before, to: midnight });

  const settled = settledNow(Date.now(), believed(client.skew()), settle);
  const until = Math.max(midnight, clock.snap(settled));
  if (until > midnight || wholeDays) {
    const to = wholeDays ? next : until;
    const asked = tally(settings, survey, { from: midnight, to });
    survey.today = wholeDays ? await unlessRefused(asked) : await asked;
    survey.todayRefused = survey.today === null;
    if (survey.today?.newestUnseen === true && !wholeDays) {
      await tally(settings, survey, {
        from: Math.max(midnight, clock.snap(until - HOUR)),
        to: until,
      });
    }
  }
  const from = wholeDays ? next : until;
  const ahead = { from, to: clock.startOfDay(addDays(day, 2)) };
  // That a provider refuses a range that has not come says nothing against it.
  await unlessRefused(tally(settings, survey, ahead));
}

async function unlessRefused(asked: Promise<Tally>): Promise<Tally | null> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof CdrError && error.fault.class === 'contract') return null;
    throw error;
  }
}

async function tally(
  { account, connector, client }: SurveySettings,
  survey: Survey,
  span: Span,
): Promise<Tally> {
  const asker: Asker = { client, connector, settings: { id: account } };
  let cursor: string | null = null;
  let seen = 0;
  let pageSize: number | null = null;
  let ascending = false;
  for (let page = 1; ; page += 1) {
    const window = { from_at: span.from, to_at: span.to, cursor };
    const { page: listed } = await askPage(asker, window, { attempts: ATTEMPTS });
    const { rows, total, overlap = 0, after } = listed;
    const { first, last } = note(survey, connector, rows);
    seen += rows.length - overlap;
    const stated = total !== null && total >= seen ? total : null;
    if (after.kind === 'more') pageSize ??= rows.length;
    ascending ||= first < last;
    if (after.kind !== 'more' || stated !== null || page === MOST_PAGES) {
      const left = stated === null ? after.kind !== 'end' : seen < stated;
      const newestUnseen = left && ascending;
      return { rows: stated ?? seen, exact: !left || stated !== null, pageSize, newestUnseen };
    }
    cursor = after.cursor;
  }
}

/** When the first and the last call of a page began, in ISO 8601; empty where it has none. */
interface Ends {
  readonly first: string;
  readonly last: string;
}

function note({ calls, unreadable }: Survey, connector: Connector, rows: readonly Json[]): Ends {
  let [first, last] = ['', ''];
  for (const row of rows) {
    const mapped = connector.toCall(row, () => null);
    if (mapped.kind === 'rejected') {
      unreadable.count += 1;
      unreadable.reason ??= mapped.reason;
    }
    if (mapped.kind !== 'call') continue;
    const { started_at, cost, currency } = mapped.call;
    if (first === '') first = started_at;
    last = started_at;
    calls.count += 1;
    calls.newest = Math.max(calls.newest ?? Number.NEGATIVE_INFINITY, Date.parse(started_at));
    if (currency !== null) calls.currencies.add(currency);
    calls.nakedFees ||= cost !== null && currency === null;
  }
  return { first, last };
}
