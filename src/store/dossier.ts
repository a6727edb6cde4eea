import { canonicalJson, isObject, type Json, parseJson } from '../json.ts';
import { type Audit, auditsOf } from './audits.ts';
import { type CallVersion, readVersions } from './call-versions.ts';
import { type LedgerDay, readDay } from './days.ts';
import { erasureOfCall } from './erasures.ts';
import { RECORD_COLUMNS, type StoredRecord } from './record-columns.ts';
import { recordJson } from './record-json.ts';
import { type Run, runsAt } from './runs.ts';
import type { Store } from './store.ts';

/** Everything the store knows of one call. */
export interface Dossier {
  readonly record: StoredRecord;
  /** What the call was before each of its changes, the oldest first. */
  readonly versions: readonly DossierVersion[];
  /** The writes of the call that are dated, the oldest first. */
  readonly writes: readonly Write[];
  /** The day under which it was first listed, as the ledger has it; null where it has none. */
  readonly day: LedgerDay | null;
  /** The audits of that day, the oldest first. */
  readonly audits: readonly Audit[];
  /** By what it was overwritten; null where it was not. */
  readonly erasure: CallErasure | null;
}

export interface CallErasure {
  /** ISO 8601 UTC, to the millisecond: when it was overwritten, or came overwritten. */
  readonly at: string;
  readonly kind: 'request' | 'retention';
  readonly reason: string;
  /** Milliseconds. */
  readonly requestedAt: number;
}

export interface DossierVersion extends CallVersion {
  /** In what the version that replaced it differs. */
  readonly changes: readonly Change[];
}

/** A field that changed: a column, or as `raw.fee` and `custom.taskId` one of the provider's own. */
export interface Change {
  readonly field: string;
  readonly old: Json;
  readonly new: Json;
}

export interface Write {
  /** `version 1` when it was first seen, `version 2` when it first changed; `missing_since`. */
  readonly wrote: string;
  /** ISO 8601 UTC, to the millisecond. */
  readonly at: string;
  /**
   * The runs during which it was written: one, unless the clocks of several
   * machines disagree; none where the store keeps no record of it.
   *
   * No column says which run wrote a version: an account's runs never overlap,
   * so the time tells, and 36 bytes more for each call and version would not.
   */
  readonly runs: readonly Run[];
}

/** Gathers what is known of a stored call. */
export async function readDossier(store: Store, record: StoredRecord): Promise<Dossier> {
  const { account_id, listed_on } = record;
  const versions = await readVersions(store, record);
  const records = [...versions.map((version) => version.record), record];
  const audits = await auditsOf(store, account_id, listed_on);
  return {
    record,
    versions: versions.map((version, index) => ({
      ...version,
      changes: changesBetween(version.record, records[index + 1] ?? record),
    })),
    writes: await readWrites(store, record, versions),
    day: await readDay(store.db, account_id, listed_on),
    audits: audits.toReversed(),
    erasure: await readErasureOf(store, record, versions),
  };
}

async function readErasureOf(
  store: Store,
  { account_id, call_id, first_seen_at }: StoredRecord,
  versions: readonly CallVersion[],
): Promise<CallErasure | null> {
  const erasure = await erasureOfCall(store, account_id, call_id);
  if (erasure === null) return null;
  const act = versions.find(({ change_reason }) => change_reason === 'erasure');
  const { kind, reason, requested_at: requestedAt } = erasure;
  return { at: act?.replaced_at ?? first_seen_at, kind, reason, requestedAt };
}

async function readWrites(
  store: Store,
  { account_id, first_seen_at, missing_since }: StoredRecord,
  versions: readonly CallVersion[],
): Promise<readonly Write[]> {
  const dated = [
    { wrote: 'version 1', at: first_seen_at },
    ...versions.map(({ record, replaced_at }) => ({
      wrote: `version ${record.version + 1}`,
      at: replaced_at,
    })),
    ...(missing_since === null ? [] : [{ wrote: 'missing_since', at: missing_since }]),
  ];
  const writes: Write[] = [];
  for (const { wrote, at } of dated) {
    writes.push({ wrote, at, runs: await runsAt(store, account_id, Date.parse(at)) });
  }
  return writes;
}

/** The store's own bookkeeping, which differs between any two versions or never. */
const BOOKKEEPING: readonly string[] = [
  'account_id',
  'provider',
  'call_id',
  'version',
  'change_seq',
  'first_seen_at',
  'changed_at',
];

function changesBetween(before: StoredRecord, after: StoredRecord): readonly Change[] {
  const old = fieldsOf(before);
  const now = fieldsOf(after);
  const fields = [...new Set([...old.keys(), ...now.keys()])];
  return fields
    .map((field) => ({ field, old: old.get(field) ?? null, new: now.get(field) ?? null }))
    .filter((change) => textOf(change.old) !== textOf(change.new));
}

/** The fields of a record by name, and those of the payload and of `custom` one by one. */
function fieldsOf(record: StoredRecord): ReadonlyMap<string, Json> {
  const whole = parseJson(recordJson(record));
  const fields = new Map<string, Json>();
  if (!isObject(whole)) return fields;
  for (const column of RECORD_COLUMNS) {
    const value = whole[column] ?? null;
    if (BOOKKEEPING.includes(column)) continue;
    if (!isObject(value)) fields.set(column, value);
    else for (const [key, part] of Object.entries(value)) fields.set(`${column}.${key}`, part);
  }
  return fields;
}

/** Alike for values that say the same, whatever the order of their keys. */
function textOf(value: Json): string {
  return canonicalJson({ value }, []);
}
