import { type AccountConfig, accountWarnings } from '../config/config.ts';
import { DAY, formatDuration, HOUR, isoSeconds, MINUTE } from '../time.ts';
import type { Finding, Load } from './report.ts';
import type { Survey } from './survey.ts';
import { fittingZones, ZONE_DOUBT } from './zone.ts';

/** What settings, clocks and listed calls say, apart from requests that failed. */

/** A clock further off than this spoils signatures and makes polls late. */
const NOTABLE_SKEW = MINUTE;
/** A zone behind the configured one shows as calls that look this old. */
const LOOKS_OLD = { from: HOUR, to: 24 * HOUR };

/** Of the settings alone. */
export function settingFindings(account: AccountConfig, load: Load, now: number): Finding[] {
  const { connector, startAt, minInterval } = account;
  const findings = accountWarnings(account).map((message): Finding => {
    const plain = message.startsWith('baseUrl');
    return {
      level: 'warning',
      code: plain ? 'base_url.http' : 'options',
      message,
      hint: plain ? 'Ask the provider for an https address.' : 'See README.md, the providers.',
    };
  });
  const horizon = connector.reach.horizon(now);
  if (horizon !== null && startAt !== null && startAt < horizon) {
    findings.push({
      level: 'warning',
      code: 'horizon.start_at',
      message: `startAt lies before ${isoSeconds(horizon)}, the oldest that the provider still serves`,
      hint: 'The days before stay unreachable; move startAt unless they are to be shown as that.',
    });
  }
  if (load.total * minInterval > DAY) {
    findings.push({
      level: 'warning',
      code: 'load.min_interval',
      message: `about ${load.total} requests a day do not fit a minInterval of ${formatDuration(minInterval)}`,
      hint: 'Raise every, or lower lookback.',
    });
  }
  return findings;
}

/** @param skew the provider's clock minus ours, milliseconds. */
export function clockFindings(skew: number | null): readonly Finding[] {
  if (skew === null || Math.abs(skew) < NOTABLE_SKEW) return [];
  const side = skew > 0 ? 'behind' : 'ahead of';
  return [
    {
      level: 'problem',
      code: 'clock.skew',
      message: `this machine's clock is ${formatDuration(Math.abs(skew))} ${side} the provider's`,
      hint: "Set this machine's clock (NTP); if it is right, tell the provider.",
    },
  ];
}

/**
 * @param newest of the calls seen, milliseconds since 1970; null where none was.
 * @param now on the later of both clocks.
 */
export function zoneFindings(
  { clock }: Pick<AccountConfig, 'clock'>,
  newest: number | null,
  now: number,
): readonly Finding[] {
  if (newest === null) {
    return [
      {
        level: 'notice',
        code: 'calls.none',
        message: 'no call is listed for yesterday or today, so the time zone could not be checked',
        hint: "Compare with the provider's console; check again when there was a call.",
      },
    ];
  }
  const ahead = newest - now;
  const wall = clock.format(newest);
  if (ahead > ZONE_DOUBT) {
    const fits = fittingZones(wall, now).map(
      ({ zone, age }) => `${zone} (it was ${formatDuration(age)} ago then)`,
    );
    return [
      {
        level: 'problem',
        code: 'time_zone.future',
        message: `the newest call lies ${formatDuration(ahead)} in the future by ${clock.zone}: timeZone is not the provider's`,
        hint:
          fits.length === 0
            ? "Ask the provider which zone its times are in, and whether the machine's clock is right."
            : `What would fit: timeZone ${fits.join(', or ')}. Ask the provider, before anything is synced.`,
      },
    ];
  }
  if (-ahead < LOOKS_OLD.from || -ahead > LOOKS_OLD.to) return [];
  return [
    {
      level: 'notice',
      code: 'time_zone.old',
      message: `the newest call looks ${formatDuration(-ahead)} old`,
      hint: `If there were calls since, the provider's wall clock is behind ${clock.zone}: compare ${wall} with its console.`,
    },
  ];
}

/** Of the rows that were listed. */
export function rowFindings(
  { reach }: AccountConfig['connector'],
  { calls, unreadable, todayRefused }: Survey,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (todayRefused && reach.wholeDays) {
    findings.push({
      level: 'notice',
      code: 'today.refused',
      message: 'the provider serves a day only when it is over',
      hint: 'Calls come a day late; nothing is lost.',
    });
  }
  const [reason] = unreadable;
  if (reason !== undefined) {
    findings.push({
      level: 'problem',
      code: 'rows.unreadable',
      message: `${unreadable.length} of ${calls.length + unreadable.length} rows cannot be read as calls (${reason})`,
      hint: 'They would be kept in quarantine and their days incomplete; please report it with the provider and this message.',
    });
  }
  if (calls.some(({ cost, currency }) => cost !== null && currency === null)) {
    findings.push({
      level: 'warning',
      code: 'currency.missing',
      message: 'there are fees, and nothing says in which currency',
      hint: 'Set currency for this account, such as "CNY".',
    });
  }
  return findings;
}
