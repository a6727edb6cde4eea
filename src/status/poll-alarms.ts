import type { ErrorClass, ErrorReport } from '../errors.ts';
import type { Run } from '../store/runs.ts';
import { DAY, formatDuration, HOUR } from '../time.ts';
import { alarm, plural, type Subject } from './alarm.ts';
import type { AlarmCode } from './alarm-codes.ts';
import type { Alarm } from './document.ts';

/** What is wrong with how an account is polled. */
export function pollAlarms(subject: Subject): readonly Alarm[] {
  const { polls, lastRun } = subject.known;
  // Of the last poll: an audit with nothing to do must not clear what a failed poll said.
  const run = polls.lastEnded ?? lastRun;
  const error = errorOf(run);
  // A pause says all that a refused login says, and until when it is left alone.
  const refused = error?.class === 'auth' ? error : null;
  return [
    ...(run === null || error === null || (refused !== null && subject.pause !== null)
      ? []
      : [failureAlarm(subject, run, error)]),
    ...pauseAlarms(subject, refused),
    ...lagAlarms(subject),
  ];
}

/** What a run's record says that it failed with. */
export function errorOf(run: Run | null): ErrorReport | null {
  return run === null || run.error === null ? null : JSON.parse(run.error);
}

const CODES: Readonly<Partial<Record<ErrorClass, AlarmCode>>> = {
  transient: 'provider_down',
  auth: 'auth',
};

function failureAlarm({ config, known }: Subject, run: Run, failure: ErrorReport): Alarm {
  const { since, runs } = known.polls.failing ?? { since: run.started_at, runs: 1 };
  const which =
    runs > 1 ? `the last ${plural(runs, 'poll')} failed, the latest` : 'the last run failed';
  return alarm(CODES[failure.class] ?? 'run_failed', {
    message: `${which}: ${failure.message}`,
    account: config.id,
    since,
    failure,
  });
}

function pauseAlarms(
  { config, pause, now }: Subject,
  failure: ErrorReport | null,
): readonly Alarm[] {
  if (pause === null) return [];
  const times = plural(pause.refusals, 'time');
  const told = failure === null ? '' : ` (${failure.message})`;
  const left = formatDuration(pause.until - now);
  return [
    alarm('paused', {
      message: `the provider refused the login ${times}${told}: it is left alone for ${left}`,
      account: config.id,
      since: pause.since,
      failure,
    }),
  ];
}

function lagAlarms({ config, known, now }: Subject): readonly Alarm[] {
  const { every, settle, id } = config;
  const { account, polls, running } = known;
  // A first sync has its whole history before it, and is at it.
  if (running && !polls.caughtUp) return [];
  const lag = now - account.watermark;
  // A provider that refuses the current day is a day behind, and no more.
  const refused = (account.today_refused_until ?? 0) > now;
  if (lag <= (refused ? DAY + HOUR : Math.max(3 * every + settle, HOUR))) return [];
  return [
    alarm('lag', {
      message: `is ${formatDuration(lag)} behind`,
      account: id,
      since: account.watermark,
    }),
  ];
}
