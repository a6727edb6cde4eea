import { hash } from 'node:crypto';
import { isObject, type Json, rowTexts, writeJson } from '../json.ts';
import { eraseListing, NO_PAYLOAD } from '../store/erased.ts';
import type { ListedCall } from '../store/listed-call.ts';
import type { QuarantinedRow } from '../store/quarantine.ts';
import { addDays, type Span } from '../time.ts';
import type { RunContext } from './context.ts';
import { digestOf } from './memory.ts';

/** A listed row, ready to be stored one way or the other. */
export type ReadRow =
  | { readonly kind: 'call'; readonly digest: string; readonly listed: ListedCall }
  | { readonly kind: 'rejected'; readonly digest: string; readonly row: QuarantinedRow };

type Reader = Pick<RunContext, 'connector' | 'clock' | 'names' | 'erasing'>;

/** Maps one row of a window. Rows that do not parse are kept as received, never dropped. */
export function readRow(reader: Reader, window: Span, row: Json): ReadRow {
  return rowReader(reader, window)(row);
}

/** The same for all rows of a window, with what is the same for all of them looked up once. */
export function rowReader(reader: Reader, window: Span): (row: Json) => ReadRow {
  const listing = listingOf(reader, window);
  return (row) => readListed(reader, listing, row);
}

function readListed(reader: Reader, listing: Listing, row: Json): ReadRow {
  const { connector, names } = reader;
  if (isDeeper(row, DEEPEST)) return rejected(reader, listing, TOO_DEEP, 'nested too deeply');
  const mapped = connector.toCall(row, names);
  if (mapped.kind === 'rejected' || !isObject(row)) {
    const reason = mapped.kind === 'rejected' ? mapped.reason : 'not an object';
    return rejected(reader, listing, writeJson(row), reason);
  }
  const { call } = mapped;
  const { raw, canonical } = rowTexts(row, connector.volatile);
  // By the native id where there is one: the call's own may become known while the list is read.
  const identity = call.native_id === null ? call.call_id : `#${call.native_id}`;
  const listed: ListedCall = {
    call,
    listedOn: listingDay(reader, listing, call.started_at),
    listedExactly: listing.exact,
    raw,
    hash: hash('sha256', canonical),
    erasureId: null,
  };
  const erasureId = reader.erasing.ofCall(call, raw);
  return {
    kind: 'call',
    digest: digestOf(identity),
    listed: erasureId === null ? listed : eraseListing(listed, erasureId, null),
  };
}

function rejected(reader: Reader, listing: Listing, raw: string, reason: string): ReadRow {
  const listedOn = listing.first;
  const digest = reader.erasing.ofRejected(raw, listing.window);
  if (digest !== null) {
    return {
      kind: 'rejected',
      digest: digestOf(digest),
      row: { digest, listedOn, reason, raw: NO_PAYLOAD },
    };
  }
  const row = { digest: hash('sha256', raw), listedOn, reason, raw };
  return { kind: 'rejected', digest: digestOf(raw), row };
}

/** What is kept of a row that no call can be: its text would overflow whoever writes it. */
const TOO_DEEP = JSON.stringify('a row nested too deeply to be kept');
const DEEPEST = 100;

function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (levels === 0) return true;
  if (!isObject(value))
    return Object.values(value).some((part: Json) => isDeeper(part, levels - 1));
  // Without a list of the values: nearly every row is flat.
  for (const key in value) {
    const part = value[key] ?? null;
    if (typeof part === 'object' && isDeeper(part, levels - 1)) return true;
  }
  return false;
}

/** A window, and the days that it lists under: one, or the first and the last of several. */
interface Listing {
  readonly window: Span;
  readonly first: string;
  readonly last: string;
  /** Whether it is one day. */
  readonly exact: boolean;
}

function listingOf({ clock }: Pick<Reader, 'clock'>, window: Span): Listing {
  const first = clock.dayOf(window.from);
  const exact = window.to <= clock.startOfDay(addDays(first, 1));
  return { window, exact, first, last: exact ? first : clock.dayOf(window.to - 1) };
}

/** The day a row is listed under: the window's; in a window of several days, the row's own within them. */
function listingDay(
  { clock }: Pick<Reader, 'clock'>,
  { first, last, exact }: Listing,
  startedAt: string,
): string {
  if (exact) return first;
  const day = clock.dayOf(Date.parse(startedAt));
  return day < first ? first : day > last ? last : day;
}
