import { formatDuration, MINUTE } from '../time.ts';
import { alarm, type Subject } from './alarm.ts';
import { dayAlarms } from './day-alarms.ts';
import type { Alarm } from './document.ts';
import { pollAlarms } from './poll-alarms.ts';

/** What is wrong with an account, in the order in which a person should see to it. */
export function alarmsOf(subject: Subject): readonly Alarm[] {
  return [
    ...pollAlarms(subject),
    ...dayAlarms(subject),
    ...skewAlarms(subject),
    ...watermarkAlarms(subject),
  ];
}

/** As much may lie between what a poll reckons and when its status is asked for. */
const JITTER = MINUTE;

function watermarkAlarms({ config, known: { account }, now }: Subject): readonly Alarm[] {
  if (account.watermark <= now + JITTER) return [];
  const until = config.clock.formatWithOffset(account.watermark);
  return [
    alarm('watermark_ahead', {
      message: `counts as read up to ${until}, which is still to come`,
      account: config.id,
      // Nobody noted when that clock was ahead.
      since: null,
    }),
  ];
}

/** The one alarm of an account that the store does not know. */
export function neverRun(id: string): Alarm {
  return alarm('never_run', {
    message: 'was never synced',
    account: id,
    since: null,
  });
}

/** A clock further off than this spoils signatures and makes polls late. */
const NOTABLE_SKEW = MINUTE;

function skewAlarms({ config, known: { account } }: Subject): readonly Alarm[] {
  const skew = account.clock_skew;
  if (skew === null || Math.abs(skew) < NOTABLE_SKEW) return [];
  const side = skew > 0 ? 'behind' : 'ahead of';
  return [
    alarm('clock', {
      message: `this machine's clock is ${formatDuration(Math.abs(skew))} ${side} the provider's`,
      account: config.id,
      // Of the difference the store keeps the last value alone.
      since: null,
    }),
  ];
}
