import { hash } from 'node:crypto';
import { canonicalJson, isObject, type Json, writeJson } from '../json.ts';
import type { ListedCall } from '../store/call-writes.ts';
import type { QuarantinedRow } from '../store/quarantine.ts';
import { addDays, type Span } from '../time.ts';
import type { RunContext } from './context.ts';
import { digestOf } from './memory.ts';

/** A listed row, ready to be stored one way or the other. */
export type ReadRow =
  | { readonly kind: 'call'; readonly digest: string; readonly listed: ListedCall }
  | { readonly kind: 'rejected'; readonly digest: string; readonly row: QuarantinedRow };

type Reader = Pick<RunContext, 'connector' | 'clock' | 'names'>;

/** Maps one row of a window. Rows that do not parse are kept as received, never dropped. */
export function readRow(reader: Reader, window: Span, row: Json): ReadRow {
  const { connector, names } = reader;
  const raw = writeJson(row);
  const mapped = connector.toCall(row, names);
  if (mapped.kind === 'rejected' || !isObject(row)) {
    const digest = hash('sha256', raw);
    const reason = mapped.kind === 'rejected' ? mapped.reason : 'not an object';
    const listedOn = listingDay(reader, window, null);
    return { kind: 'rejected', digest: digestOf(raw), row: { digest, listedOn, reason, raw } };
  }
  const { call } = mapped;
  const identity =
    connector.identity === 'derived' ? call.call_id : `${call.call_id}\0${call.native_id}`;
  return {
    kind: 'call',
    digest: digestOf(identity),
    listed: {
      call,
      listedOn: listingDay(reader, window, call.started_at),
      raw,
      hash: hash('sha256', canonicalJson(row, connector.volatile)),
    },
  };
}

/** The day a row is listed under: the window's; in a window of several days, the row's own within them. */
function listingDay({ clock }: Reader, { from, to }: Span, startedAt: string | null): string {
  const first = clock.dayOf(from);
  if (to <= clock.startOfDay(addDays(first, 1))) return first;
  const last = clock.dayOf(to - 1);
  const day = startedAt === null ? first : clock.dayOf(Date.parse(startedAt));
  return day < first ? first : day > last ? last : day;
}
