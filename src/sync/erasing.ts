import type { Call } from '../call.ts';
import { mentionsOf, rowAlone, type Searched } from '../number-match.ts';
import { erasedDigest } from '../store/erase-rows.ts';
import { digestNumber, knownErasureKey, requestsFor } from '../store/erasures.ts';
import type { Store } from '../store/store.ts';
import type { Span } from '../time.ts';

/**
 * What of the rows that a provider lists may not come in clear: calls of an
 * erased number that started before the request, and what lies beyond the
 * account's retention. It is asked before anything of a row is written.
 */
export interface Erasing {
  /** The erasure under which a call falls; null where none. */
  readonly ofCall: (call: Parties, raw: string) => string | null;
  /** By what a row that is no call is kept instead of its own digest; null where it is kept as it came. */
  readonly ofRejected: (raw: string, window: Span) => string | null;
}

type Parties = Omit<Searched, 'raw'> & Pick<Call, 'started_at'>;

/** Where nothing was ever erased: costs nothing. */
export const NOTHING_ERASED: Erasing = { ofCall: () => null, ofRejected: () => null };

/** An account's retention as a run goes by it. */
export interface Beyond {
  readonly erasureId: string;
  /**
   * Calls that started before are overwritten. Milliseconds; null as long as the
   * run has not heard the provider's clock, by which it has to be true, too.
   */
  readonly before: () => number | null;
}

/**
 * @param ahead how far the provider's clock, by which calls start, is ahead of
 * ours, by which requests are made; milliseconds.
 */
export async function loadErasing(
  store: Store,
  accountId: string,
  { beyond, ahead }: { readonly beyond: Beyond | null; readonly ahead: number },
): Promise<Erasing> {
  const requests = await requestsFor(store, accountId);
  const key = await knownErasureKey(store);
  if (key === null || (requests.length === 0 && beyond === null)) return NOTHING_ERASED;
  /** Of each spelling the newest request. */
  const known = new Map<string, { readonly id: string; readonly before: number }>();
  let newest = Number.NEGATIVE_INFINITY;
  for (const { id, requested_at, digests } of requests) {
    const before = requested_at + Math.max(0, ahead);
    newest = Math.max(newest, before);
    const list: readonly string[] = JSON.parse(digests);
    for (const digest of list) {
      if ((known.get(digest)?.before ?? 0) < before) known.set(digest, { id, before });
    }
  }
  const lookUp = remembering((text) => known.get(digestNumber(key, text)) ?? null);
  const requestFor = (call: Searched, started: number): string | null => {
    // What is new, and that is nearly every row, started after every request.
    if (started >= newest) return null;
    for (const { key: spelling } of mentionsOf(call)) {
      const found = lookUp(spelling);
      if (found !== null && started < found.before) return found.id;
    }
    return null;
  };
  return {
    ofCall: (call, raw) => {
      const started = Date.parse(call.started_at);
      const request = requestFor({ ...call, raw }, started);
      if (request !== null) return request;
      const before = beyond?.before() ?? null;
      return beyond !== null && before !== null && started < before ? beyond.erasureId : null;
    },
    ofRejected: (raw, { from, to }) => {
      // When it started cannot be told: it may have been as early as its window.
      const asked = requestFor(rowAlone(raw), from) !== null;
      const before = beyond?.before() ?? null;
      const old = before !== null && to <= before;
      return asked || old ? erasedDigest(key, raw) : null;
    },
  };
}

const MOST_REMEMBERED = 50_000;

/** The lines of a company stand in every call of it, and a digest costs more than all else of a row's way in. */
function remembering<Result>(work: (text: string) => Result): (text: string) => Result {
  const results = new Map<string, Result>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const result = work(text);
    if (results.size >= MOST_REMEMBERED) results.clear();
    results.set(text, result);
    return result;
  };
}
