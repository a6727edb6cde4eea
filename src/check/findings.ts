import type { Text } from '../codes/entry.ts';
import { type AccountConfig, accountWarnings } from '../config/config.ts';
import { DAY, formatDuration, HOUR, isoSeconds, MINUTE } from '../time.ts';
import { type Finding, finding, type Load } from './report.ts';
import type { Survey } from './survey.ts';
import { type Fit, fittingZones, ZONE_DOUBT } from './zone.ts';

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
    return finding(plain ? 'base_url.http' : 'options', message);
  });
  const horizon = connector.reach.horizon(now);
  if (horizon !== null && startAt !== null && startAt < horizon) {
    const oldest = isoSeconds(horizon);
    findings.push(
      finding(
        'horizon.start_at',
        `startAt lies before ${oldest}, the oldest that the provider still serves`,
      ),
    );
  }
  if (load.total * minInterval > DAY) {
    const interval = formatDuration(minInterval);
    findings.push(
      finding(
        'load.min_interval',
        `about ${load.total} requests a day do not fit a minInterval of ${interval}`,
      ),
    );
  }
  return findings;
}

/** @param skew the provider's clock minus ours, milliseconds. */
export function clockFindings(skew: number | null): readonly Finding[] {
  if (skew === null || Math.abs(skew) < NOTABLE_SKEW) return [];
  const side = skew > 0 ? 'behind' : 'ahead of';
  const apart = formatDuration(Math.abs(skew));
  return [finding('clock.skew', `this machine's clock is ${apart} ${side} the provider's`)];
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
    const words = 'no call is listed for yesterday or today, so the time zone could not be checked';
    return [finding('calls.none', words)];
  }
  const ahead = newest - now;
  const wall = clock.format(newest);
  if (ahead > ZONE_DOUBT) {
    const words = `the newest call lies ${formatDuration(ahead)} in the future by ${clock.zone}: timeZone is not the provider's`;
    return [finding('time_zone.future', words, zoneHint(fittingZones(wall, now)))];
  }
  if (-ahead < LOOKS_OLD.from || -ahead > LOOKS_OLD.to) return [];
  return [
    finding('time_zone.old', `the newest call looks ${formatDuration(-ahead)} old`, {
      en: `If there were calls since, the provider's wall clock is behind ${clock.zone}: compare ${wall} with its console.`,
      zh: `如果此后确有通话，说明服务商的时间落后于 ${clock.zone}：请把 ${wall} 与其后台显示的时间核对。`,
    }),
  ];
}

/** Undefined where no zone would do. */
function zoneHint(fits: readonly Fit[]): Text | undefined {
  if (fits.length === 0) return undefined;
  const en = fits.map(({ zone, age }) => `${zone} (it was ${formatDuration(age)} ago then)`);
  const zh = fits.map(({ zone, age }) => `${zone}（按此时区是 ${formatDuration(age)} 前）`);
  return {
    en: `What would fit: timeZone ${en.join(', or ')}. Ask the provider, before anything is synced.`,
    zh: `可能合适的 \`timeZone\`：${zh.join('，或 ')}。请在同步之前向服务商确认。`,
  };
}

/** Of the rows that were listed. */
export function rowFindings(
  { reach }: AccountConfig['connector'],
  { calls, unreadable, todayRefused }: Survey,
): readonly Finding[] {
  const findings: Finding[] = [];
  if (todayRefused && reach.wholeDays) {
    findings.push(finding('today.refused', 'the provider serves a day only when it is over'));
  }
  const { count, reason } = unreadable;
  if (reason !== null) {
    const words = `${count} of ${calls.count + count} rows cannot be read as calls (${reason})`;
    findings.push(finding('rows.unreadable', words));
  }
  if (calls.nakedFees) {
    findings.push(
      finding('currency.missing', 'there are fees, and nothing says in which currency'),
    );
  }
  return findings;
}
