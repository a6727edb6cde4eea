import { jsonLine } from '../export/ndjson.ts';
import { writeJson } from '../json.ts';
import type { CallErasure, Dossier, DossierVersion, Write } from '../store/dossier.ts';
import { recordJson, versionJson } from '../store/record-json.ts';
import { isoMillis } from '../time.ts';
import { auditReport } from './audits.ts';

/**
 * One document: `{"calls": [{record…, "versions", "runs", "audits"}], "more"}`.
 * Records and versions are as `export --history` writes them, `raw` and
 * `custom` to the digit; `more` says that there are further calls.
 */
export function showJson(dossiers: readonly Dossier[], more: boolean): string {
  return jsonLine(`{"calls":[${dossiers.map(dossierJson).join(',')}],"more":${more}}`);
}

function dossierJson({ record, versions, writes, day, audits, erasure }: Dossier): string {
  const parts = [
    recordJson(record).slice(1, -1),
    `"versions":[${versions.map(changedJson).join(',')}]`,
    `"runs":${JSON.stringify(writes.flatMap(runReports))}`,
    `"day_state":${JSON.stringify(day?.state ?? null)}`,
    `"audits":${JSON.stringify(audits.map(auditReport))}`,
    `"erasure":${JSON.stringify(erasureReport(erasure))}`,
  ];
  return `{${parts.join(',')}}`;
}

function erasureReport(erasure: CallErasure | null) {
  if (erasure === null) return null;
  const { at, kind, reason, requestedAt } = erasure;
  return { at, kind, reason, requested_at: isoMillis(requestedAt) };
}

/** With `changes`: in what the next version differs. */
function changedJson(version: DossierVersion): string {
  const changes = version.changes.map(
    ({ field, old, new: now }) =>
      `{"field":${JSON.stringify(field)},"old":${writeJson(old)},"new":${writeJson(now)}}`,
  );
  return `${versionJson(version).slice(0, -1)},"changes":[${changes.join(',')}]}`;
}

/** A run for each write that it may have made: `wrote` and `at` say which and when. */
function runReports({ wrote, at, runs }: Write) {
  return runs.map(({ id, trigger, started_at, ended_at, state }) => ({
    wrote,
    at,
    id,
    trigger,
    started_at: isoMillis(started_at),
    ended_at: ended_at === null ? null : isoMillis(ended_at),
    state,
  }));
}
