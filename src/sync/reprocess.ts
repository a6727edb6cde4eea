import { parseJson } from '../json.ts';
import type { Connector, Names } from '../providers/provider.ts';
import { writeIfNew } from '../store/calls.ts';
import { takeSequence } from '../store/change-seq.ts';
import { eraseCalls } from '../store/erase-calls.ts';
import { fenced } from '../store/leases.ts';
import {
  callBatch,
  differences,
  quarantined,
  releaseRow,
  remapped,
  rewriteMapping,
} from '../store/remap.ts';
import type { Store } from '../store/store.ts';
import { isoMillis, type ZoneClock } from '../time.ts';
import type { RunContext } from './context.ts';
import type { Erasing } from './erasing.ts';
import { reviewDay } from './ledger.ts';
import { writeContext } from './page.ts';
import { readRow } from './rows.ts';

/** What applying the current mapping to stored payloads changes, or would change. */
export interface Reprocessed {
  calls: number;
  /** Calls of which some column changes. */
  changed: number;
  /** By column, in how many calls it changes. */
  readonly columns: Record<string, number>;
  /** Stored calls that the mapping now rejects: they stay as they are. */
  rejected: number;
  quarantined: number;
  /** Quarantined rows that can be read by now. */
  released: number;
  /** Calls that were erased: there is no payload to read, and they stay as they are. */
  erased: number;
}

export interface Mapper {
  readonly store: Store;
  readonly accountId: string;
  readonly connector: Connector;
  readonly clock: ZoneClock;
  readonly names: Names;
  readonly erasing: Erasing;
}

const BATCH = 500;

/** Without `write`, only counts. */
export async function reprocess(mapper: Mapper, write: RunContext | null): Promise<Reprocessed> {
  const result: Reprocessed = {
    calls: 0,
    changed: 0,
    columns: {},
    rejected: 0,
    quarantined: 0,
    released: 0,
    erased: 0,
  };
  await remapCalls(mapper, write, result);
  await releaseRows(mapper, write, result);
  return result;
}

async function remapCalls(
  mapper: Mapper,
  write: RunContext | null,
  result: Reprocessed,
): Promise<void> {
  const { store, accountId, connector, names } = mapper;
  for (let after = ''; ; ) {
    write?.signal.throwIfAborted();
    const batch = await callBatch(store, accountId, after, BATCH);
    const due = batch.flatMap((stored) => {
      if (stored.erasure_id !== null) {
        result.erased += 1;
        return [];
      }
      const mapped = connector.toCall(parseJson(stored.raw), names);
      if (mapped.kind === 'rejected') {
        result.rejected += 1;
        return [];
      }
      const columns = remapped(mapped.call, stored);
      const changed = differences(columns, stored);
      for (const name of changed) result.columns[name] = (result.columns[name] ?? 0) + 1;
      if (changed.length > 0) result.changed += 1;
      const current = stored.mapping_version === connector.mappingVersion;
      // As the mapping has it now, such as a start that moves beyond the retention.
      const erasureId = mapper.erasing.ofCall(mapped.call, stored.raw);
      const due = changed.length > 0 || !current || erasureId !== null;
      return due ? [{ stored, columns, erasureId }] : [];
    });
    result.calls += batch.length;
    if (write !== null && due.length > 0) {
      await fenced(store, write.lease, async (trx) => {
        const numbers = await takeSequence(trx, due.length);
        for (const [index, { stored, columns, erasureId }] of due.entries()) {
          if (erasureId === null) {
            const sequence = numbers[index] ?? 0;
            await rewriteMapping(trx, stored, columns, connector.mappingVersion, sequence);
          } else await eraseCalls(trx, [stored], { id: erasureId, now: isoMillis(Date.now()) });
        }
      });
    }
    const last = batch.at(-1);
    if (last === undefined || batch.length < BATCH) return;
    after = last.call_id;
  }
}

async function releaseRows(
  mapper: Mapper,
  write: RunContext | null,
  result: Reprocessed,
): Promise<void> {
  const { store, accountId, clock } = mapper;
  for (const held of await quarantined(store, accountId)) {
    const { raw, listed_on } = held;
    result.quarantined += 1;
    const from = clock.startOfDay(listed_on);
    const row = readRow(mapper, { from, to: from + 1 }, parseJson(raw));
    if (row.kind === 'rejected') continue;
    const settled =
      write === null ||
      (await fenced(store, write.lease, async (trx) => {
        const listed = { ...row.listed, listedOn: listed_on };
        const { identity } = mapper.connector;
        // What stays is for the next audit of its day, which lists the whole of it.
        if (!(await writeIfNew(trx, writeContext(write), listed, identity))) return false;
        await releaseRow(trx, held);
        await reviewDay(trx, write, listed_on);
        return true;
      }));
    if (settled) result.released += 1;
  }
}
