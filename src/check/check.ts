import type { AccountConfig } from '../config/config.ts';
import { CdrError } from '../errors.ts';
import { makeHttpClient } from '../providers/http.ts';
import type { Redactor } from '../redact.ts';
import { type Client, makeClient } from '../sync/client.ts';
import { believed } from '../sync/context.ts';
import type { Log } from '../sync/log.ts';
import { addDays, isoSeconds, SECOND } from '../time.ts';
import { clockFindings, rowFindings, settingFindings, zoneFindings } from './findings.ts';
import { expectedLoad } from './load.ts';
import { explainFailure, pastedEndpoint } from './refusal.ts';
import type { AccountCheck, DayTotal, Finding } from './report.ts';
import { emptySurvey, look, type Survey, type Tally } from './survey.ts';

export interface CheckSettings {
  /** Look at the settings alone. */
  readonly offline: boolean;
  readonly log: Log;
  readonly redact: Redactor;
  readonly signal: AbortSignal;
}

/**
 * Asks one account's provider a few things and tells what came of it; writes
 * nothing. A request that fails is a finding.
 */
export async function checkAccount(
  account: AccountConfig,
  settings: CheckSettings,
): Promise<AccountCheck> {
  const survey = emptySurvey();
  if (settings.offline) {
    const pasted = pastedEndpoint(account);
    const found = pasted === null ? [] : [pasted];
    return report(account, survey, { failures: found, login: 'unknown', requests: 0, skew: null });
  }
  const http = makeHttpClient(account);
  try {
    const client = clientOf(account, http, settings);
    const error = await failureOf(look({ ...account, account: account.id, client }, survey));
    const failures = error === null ? [] : explainFailure(error, account);
    const skew = client.skew();
    return report(account, survey, {
      ...{ failures, login: loginOf(survey, error), requests: client.requests(), skew },
      // A clock that no machine can have is a proxy's or a cache's.
      ...{ ahead: Math.max(0, believed(skew) ?? 0) },
    });
  } finally {
    http.close();
  }
}

function clientOf(
  { id, connector, minInterval }: AccountConfig,
  http: Parameters<typeof makeClient>[0]['http'],
  { log, redact, signal }: CheckSettings,
): Client {
  const onRequest = (): void => undefined;
  return makeClient({ account: id, connector, http, minInterval, redact, log, signal, onRequest });
}

async function failureOf(work: Promise<void>): Promise<CdrError | null> {
  try {
    await work;
    return null;
  } catch (error) {
    if (error instanceof CdrError) return error;
    throw error;
  }
}

function loginOf({ yesterday }: Survey, error: CdrError | null): AccountCheck['login'] {
  if (error?.fault.class === 'auth' && error.fault.code !== 'http.proxy_auth') return 'refused';
  return yesterday === null ? 'unknown' : 'accepted';
}

interface Outcome extends Pick<AccountCheck, 'login' | 'requests'> {
  readonly failures: readonly Finding[];
  readonly skew: number | null;
  /** How far the provider's clock is ahead of ours, milliseconds. */
  readonly ahead?: number;
}

function report(
  account: AccountConfig,
  survey: Survey,
  { failures, login, requests, skew, ahead = 0 }: Outcome,
): AccountCheck {
  const { id, connector, baseUrl, clock } = account;
  const now = Date.now();
  const today = clock.dayOf(now);
  const load = expectedLoad(account, survey.yesterday, now);
  const horizon = connector.reach.horizon(now);
  const { newest, currencies } = survey.calls;
  const looked = survey.yesterday !== null;
  const findings = [
    ...failures,
    ...clockFindings(skew),
    ...(looked ? zoneFindings(account, newest, now + ahead) : []),
    ...rowFindings(connector, survey),
    ...settingFindings(account, load, now),
  ];
  return {
    account: id,
    provider: connector.provider,
    base_url: baseUrl,
    state: findings.some(({ level }) => level === 'problem') ? 'problem' : 'ok',
    login,
    requests,
    clock_skew_seconds: skew === null ? null : Math.round(skew / SECOND),
    time_zone: clock.zone,
    newest_call_at: newest === null ? null : isoSeconds(newest),
    today: dayTotal(today, survey.today),
    yesterday: dayTotal(addDays(today, -1), survey.yesterday),
    currencies: [...currencies].sort(),
    history_from: horizon === null ? null : isoSeconds(horizon),
    requests_per_day: load,
    findings,
  };
}

function dayTotal(day: string, tally: Tally | null): DayTotal | null {
  return tally === null ? null : { day, rows: tally.rows, exact: tally.exact };
}
