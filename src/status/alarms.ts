import type { AccountConfig } from '../config/config.ts';
import type { Questionable } from '../day-state.ts';
import type { ErrorReport } from '../errors.ts';
import type { AccountOverview } from '../store/overview.ts';
import type { Pause } from '../store/pauses.ts';
import type { Run } from '../store/runs.ts';
import { DAY, formatDuration, HOUR, MINUTE } from '../time.ts';

/** Something that a person should see to. */
export interface Alarm {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** A clock further off than this spoils signatures and makes polls late. */
const NOTABLE_SKEW = MINUTE;
/** How long before the provider stops serving a day its lack of proof becomes urgent. */
const HORIZON_NEAR = 15 * DAY;

/**
 * What is wrong with an account, in the order in which a person should see to it.
 *
 * @param known null where the store has nothing of it.
 * @param now milliseconds since 1970.
 */
export function alarmsOf(
  config: AccountConfig,
  known: AccountOverview | null,
  pause: Pause | null,
  now: number,
): readonly Alarm[] {
  if (known === null) {
    return [alarm('never_run', 'was never synced', `Run \`cdrsync sync --account ${config.id}\`.`)];
  }
  const { account, lastEndedPoll, lastRun, days, holes, quarantined } = known;
  const bad = Object.entries(DAY_HINTS).filter(([state]) => (days[state] ?? 0) > 0);
  return [
    // Of the last poll: an audit with nothing to do must not clear what a failed poll said.
    ...runAlarms(lastEndedPoll ?? lastRun),
    ...(pause === null ? [] : [pauseAlarm(config.id, pause, now)]),
    ...lagAlarms(config, account.watermark, account.today_refused_until, now),
    ...(holes.length === 0
      ? []
      : [
          alarm(
            'holes',
            `${holes.length} spans could not be proven complete`,
            'They are tried again as they fall due; see `cdrsync --json status` for the spans and reasons.',
          ),
        ]),
    ...(quarantined === 0
      ? []
      : [
          alarm(
            'quarantine',
            `${quarantined} rows could not be read as calls`,
            'They are kept as received, with the reason, in the table `quarantine`; `cdrsync reprocess` reads them again.',
          ),
        ]),
    ...bad.map(([state, hint]) => alarm(`days_${state}`, `${days[state]} days are ${state}`, hint)),
    ...horizonAlarms(config, known.oldestUnproven, now),
    ...skewAlarms(account.clock_skew),
  ];
}

/** The days in question, each with what to do. */
const DAY_HINTS: Readonly<Record<Questionable, string>> = {
  incomplete: 'A hole or a quarantined row is in them; see `cdrsync --json status`.',
  mismatch:
    'The provider states another total than it lists, or many calls vanished at once: ask it, then `cdrsync verify --accept DAY --reason TEXT`.',
  unreachable:
    'The provider no longer serves them: `cdrsync verify --accept DAY --reason TEXT` closes one.',
};

function runAlarms(run: Run | null): readonly Alarm[] {
  if (run === null || run.error === null) return [];
  const { code, message, hint }: ErrorReport = JSON.parse(run.error);
  return [alarm(code, `the last run failed: ${message}`, hint)];
}

function pauseAlarm(id: string, { refusals, until }: Pause, now: number): Alarm {
  const left = formatDuration(until - now);
  return alarm(
    'paused',
    `the provider refused the login ${refusals} times: the worker leaves it alone for ${left}`,
    `Correct the credentials and restart the worker, or, when they are right again, run \`cdrsync sync --account ${id}\`.`,
  );
}

function lagAlarms(
  { every, settle }: AccountConfig,
  watermark: number,
  todayRefusedUntil: number | null,
  now: number,
): readonly Alarm[] {
  const lag = now - watermark;
  // A provider that refuses the current day is a day behind, and no more.
  const refused = (todayRefusedUntil ?? 0) > now;
  if (lag <= (refused ? DAY + HOUR : Math.max(3 * every + settle, HOUR))) return [];
  return [
    alarm('lag', `is ${formatDuration(lag)} behind`, 'Check that the worker or the cron job runs.'),
  ];
}

function horizonAlarms(
  { connector, clock }: AccountConfig,
  oldest: string | null,
  now: number,
): readonly Alarm[] {
  const horizon = connector.reach.horizon(now);
  if (horizon === null || oldest === null) return [];
  const left = clock.startOfDay(oldest) - horizon;
  if (left > HORIZON_NEAR) return [];
  const when = left <= 0 ? 'is out of' : `leaves, in ${formatDuration(left)},`;
  const hint = 'Prove it now: `cdrsync verify`; afterwards it cannot be had any more.';
  return [alarm('horizon_near', `${oldest} is not proven and ${when} the provider's reach`, hint)];
}

function skewAlarms(skew: number | null): readonly Alarm[] {
  if (skew === null || Math.abs(skew) < NOTABLE_SKEW) return [];
  const side = skew > 0 ? 'behind' : 'ahead of';
  const hint = "Set this machine's clock (NTP); if it is right, tell the provider.";
  return [
    alarm(
      'clock',
      `this machine's clock is ${formatDuration(Math.abs(skew))} ${side} the provider's`,
      hint,
    ),
  ];
}

function alarm(code: string, message: string, hint: string): Alarm {
  return { code, message, hint };
}
