import type { Call } from '../call.ts';
import { numbersIn } from '../phone-number.ts';
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

type Parties = Pick<Call, 'caller' | 'callee' | 'started_at'>;

/** Where nothing was ever erased: costs nothing. */
export const NOTHING_ERASED: Erasing = { ofCall: () => null, ofRejected: () => null };

/** An account's retention as a run goes by it. */
export interface Beyond {
  readonly erasureId: string;
  /** Calls that started before are overwritten. Milliseconds. */
  readonly before: number;
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
  const requestFor = (texts: Iterable<string>, started: number): string | null => {
    for (const text of texts) {
      const found = lookUp(text);
      if (found !== null && started < found.before) return found.id;
    }
    return null;
  };
  return {
    ofCall: ({ caller, callee, started_at }, raw) => {
      const started = Date.parse(started_at);
      // What is new, and that is nearly every row, started after every request.
      const numbers =
        started < newest ? new Set([caller ?? '', callee ?? '', ...numbersIn(raw)]) : [];
      const request = requestFor(numbers, started);
      if (request !== null) return request;
      return beyond !== null && started < beyond.before ? beyond.erasureId : null;
    },
    ofRejected: (raw, { from, to }) => {
      // When it started cannot be told: it may have been as early as its window.
      const asked = from < newest && requestFor(numbersIn(raw), from) !== null;
      const old = beyond !== null && to <= beyond.before;
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
