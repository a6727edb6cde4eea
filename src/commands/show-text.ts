import type { CallFlag } from '../call.ts';
import { type Json, writeJson } from '../json.ts';
import { printableLine } from '../redact.ts';
import type { Change, Dossier, DossierVersion, Write } from '../store/dossier.ts';
import type { StoredRecord } from '../store/record-columns.ts';
import type { Run } from '../store/runs.ts';
import { isoSeconds, type ZoneClock } from '../time.ts';
import { auditsText } from './audits.ts';
import { count, table } from './table.ts';
import { wrap, wrapLines } from './wrap.ts';

/** Calls for a person. Numbers are shown in full: that is what this is for. */

type ClockOf = (account: string) => ZoneClock;

/** Two lines a call: whose it is and its id, which may be long, stand on the second. */
export function numberText(records: readonly StoredRecord[], clockOf: ClockOf): string {
  const head = ['started (local)', 'caller', 'callee', 'talk s', 'outcome'];
  const rows = records.map((record) => [
    clockOf(record.account_id).format(Date.parse(record.started_at)),
    printableLine(record.caller ?? '-'),
    printableLine(record.callee ?? '-'),
    record.talk_seconds === null ? '-' : count(record.talk_seconds),
    outcome(record),
  ]);
  const [first = '', ...lines] = table(head, rows).trimEnd().split('\n');
  const told = records.flatMap(({ account_id, call_id }, index) => [
    lines[index] ?? '',
    `  ${account_id}  ${printableLine(call_id)}`,
  ]);
  return wrapLines(`${[first, ...told].join('\n')}\n`);
}

function outcome({ is_call, missing_since, disposition }: StoredRecord): string {
  const kind = is_call === 1 ? disposition : 'fee row';
  return missing_since === null ? kind : `${kind}, missing`;
}

export function moreText(limit: number): string {
  return `cdrsync: there are more than the ${count(limit)} shown; narrow the range, or raise --limit\n`;
}

export function callsText(dossiers: readonly Dossier[], clockOf: ClockOf, raw: boolean): string {
  return dossiers
    .map((dossier) => dossierText(dossier, clockOf(dossier.record.account_id), raw))
    .join('\n\n');
}

function dossierText(dossier: Dossier, clock: ZoneClock, raw: boolean): string {
  const { record, versions, writes, audits } = dossier;
  const payload = (text: string): string => (raw ? `  raw ${printableLine(text)}\n` : '');
  return [
    wrapLines(`${record.account_id}  ${printableLine(record.call_id)}\n\n`),
    fieldLines(dossier, clock),
    payload(record.raw),
    `\nversions\n`,
    ...versions.map((version) => versionText(version, clock) + payload(version.record.raw)),
    `  ${record.version}, as above, is the current one\n`,
    `\nwritten\n`,
    ...writes.map((write) => writeText(write, clock)),
    `\naudits of ${record.listed_on}\n`,
    audits.length === 0 ? '  none is kept\n' : auditsText(audits, clock),
  ].join('');
}

function fieldLines({ record, day, erasure }: Dossier, clock: ZoneClock): string {
  const time = (text: string | null): string | null =>
    text === null ? null : timeText(text, clock);
  const fields: readonly (readonly [string, string | null])[] = [
    ['provider', record.provider],
    ['direction', withDetail(record.direction, 'mode', record.call_mode)],
    ['caller', record.caller],
    ['callee', record.callee],
    ['agent', record.agent],
    ['started', time(record.started_at)],
    ['ringing', time(record.ringing_at)],
    ['answered', time(record.answered_at)],
    ['ended', time(record.ended_at)],
    ['durations', durations(record)],
    ['cost', record.cost === null ? null : `${record.cost} ${record.currency ?? '(no currency)'}`],
    ['outcome', record.disposition],
    ['hangup', hangup(record)],
    ['recording', withDetail(record.recording_state, '', record.recording_ref)],
    ['is_call', record.is_call === 1 ? 'yes' : 'no: a fee row, not for call statistics'],
    ...flagWords(record.flags).map((words): [string, string] => ['flag', words]),
    ['listed on', `${record.listed_on}, ${day === null ? 'a day never read' : day.state}`],
    ['missing', missingWords(record, clock)],
    ['erased', erasure === null ? null : `${timeText(erasure.at, clock)}: ${erasure.reason}`],
    ['native id', record.native_id],
    ['joined by', record.correlation_id],
    ['first seen', timeText(record.first_seen_at, clock)],
    ['changed', record.version === 1 ? null : timeText(record.changed_at, clock)],
    ['custom', record.custom === '{}' ? null : record.custom],
  ];
  return fields
    .flatMap(([name, value]) =>
      value === null ? [] : [`${wrap(printableLine(value), `  ${name.padEnd(10)}  `)}\n`],
    )
    .join('');
}

/** The account's time, then UTC. */
function timeText(iso: string, clock: ZoneClock): string {
  const at = Date.parse(iso);
  return `${clock.formatWithOffset(at)}  ${isoSeconds(at)}`;
}

function withDetail(value: string, name: string, detail: string | null): string {
  return detail === null ? value : `${value} (${`${name} ${detail}`.trim()})`;
}

function durations(record: StoredRecord): string | null {
  const parts = [
    ['whole', record.duration_seconds],
    ['ringing', record.ring_seconds],
    ['talk', record.talk_seconds],
    ['billed', record.billed_seconds],
  ].flatMap(([name, seconds]) => (seconds === null ? [] : [`${name} ${seconds} s`]));
  return parts.length === 0 ? null : parts.join(', ');
}

function hangup({ hangup_cause, hangup_reason, hangup_party }: StoredRecord): string | null {
  const parts = [
    ...(hangup_cause === null ? [] : [`cause ${hangup_cause}`]),
    ...(hangup_reason === null ? [] : [hangup_reason]),
    ...(hangup_party === null ? [] : [`by the ${hangup_party}`]),
  ];
  return parts.length === 0 ? null : parts.join(', ');
}

const FLAGS = {
  identity_conflict: 'another record of the provider claims the same id; both are kept',
  time_order: "the provider's times contradict each other; impossible durations are left out",
  answered_zero_talk: 'the provider says answered, with no talk time',
  ambiguous_time: 'a wall-clock time that occurred twice; the earlier one is stored',
  erased: 'numbers, names, payload and recording were overwritten',
} satisfies Readonly<Record<CallFlag, string>>;

function flagWords(json: string): readonly string[] {
  const words = new Map<string, string>(Object.entries(FLAGS));
  const flags: readonly string[] = JSON.parse(json);
  return flags.map((flag) => `${flag}: ${words.get(flag) ?? 'set by another version'}`);
}

function missingWords({ missing_since }: StoredRecord, clock: ZoneClock): string | null {
  if (missing_since === null) return null;
  return `since ${timeText(missing_since, clock)}: an audit found it no longer listed`;
}

function versionText(version: DossierVersion, clock: ZoneClock): string {
  const { record, change_reason, replaced_at, changes } = version;
  const lines = changes.map(changeText);
  const remapped = changes.some(({ field }) => field === 'mapping_version')
    ? ['    the mapping changed too: columns may differ that the provider did not change\n']
    : [];
  return [
    `  ${record.version} to ${record.version + 1}  ${timeText(replaced_at, clock)}  ${change_reason}\n`,
    ...(lines.length === 0 ? ['    no field differs by now\n'] : lines),
    ...remapped,
  ].join('');
}

function changeText({ field, old, new: now }: Change): string {
  return `${wrap(`${printableLine(field)}: ${valueText(old)} → ${valueText(now)}`, '    ')}\n`;
}

function valueText(value: Json): string {
  return printableLine(typeof value === 'string' && value !== '' ? value : writeJson(value));
}

function writeText({ wrote, at, runs }: Write, clock: ZoneClock): string {
  const head = `  ${wrote.padEnd(13)}  ${timeText(at, clock)}\n`;
  if (runs.length === 0) return `${head}    by a run of which no record is kept\n`;
  return head + runs.map((run) => `    by ${runText(run, clock)}\n`).join('');
}

function runText({ trigger, started_at, ended_at, state }: Run, clock: ZoneClock): string {
  const end = ended_at === null ? 'without an end' : `to ${clock.format(ended_at)}`;
  return `${trigger}, ${clock.format(started_at)} ${end}, ${state ?? 'unfinished'}`;
}
