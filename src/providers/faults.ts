import type { z } from 'zod';
import type { ErrorClass, Remedy } from '../errors.ts';
import type { Failed } from './provider.ts';

/**
 * The faults that providers report inside a well-formed response, in one
 * vocabulary. `said` is the provider's own code and words; whoever prints it
 * cleans it first.
 */

export interface Said {
  /** The provider's code, as it came. */
  readonly code: string;
  readonly message: string | null;
}

interface Kind {
  readonly class: ErrorClass;
  readonly code: string;
  readonly hint: string;
  readonly remedy?: Remedy;
}

function fault(kind: Kind, what: string, { code, message }: Said): Failed {
  const words = message === null ? '' : `: ${message}`;
  return { kind: 'fault', fault: { ...kind, message: `${what} (${code})${words}` } };
}

/** The login, signature or permission was refused. */
export function credentialsRefused(
  said: Said,
  hint = 'Check the credentials of this account.',
): Failed {
  return fault(
    { class: 'auth', code: 'auth.rejected', hint },
    'the provider refused the credentials',
    said,
  );
}

export function addressRefused(said: Said): Failed {
  const hint =
    "Have this machine's public address put on the provider's list of allowed addresses.";
  return fault(
    { class: 'auth', code: 'auth.address', hint },
    'the provider refused this address',
    said,
  );
}

/** The session token ran out; the engine logs in again once. */
export function tokenRefused(said: Said): Failed {
  return fault(
    {
      class: 'auth',
      code: 'auth.token',
      hint: 'Check the token of this account, or configure appId and accessKey to have one fetched.',
      remedy: { kind: 'login' },
    },
    'the provider refused the token',
    said,
  );
}

/** The signature's timestamp is too far from the provider's clock. */
export function clockRefused(said: Said): Failed {
  return fault(
    {
      class: 'auth',
      code: 'auth.clock',
      hint: "Set this machine's clock (NTP): the provider refuses requests signed at another time than its own.",
      remedy: { kind: 'clock' },
    },
    'the provider refused the time of the request',
    said,
  );
}

export function tooManyRequests(said: Said): Failed {
  return fault(
    {
      class: 'rate_limited',
      code: 'provider.rate_limited',
      hint: 'Raise minInterval for this account.',
    },
    'the provider asks to slow down',
    said,
  );
}

/** The provider's own trouble, worth another try. */
export function providerTrouble(said: Said): Failed {
  return fault(
    {
      class: 'transient',
      code: 'provider.trouble',
      hint: 'The provider has a fault of its own; nothing is lost, the next run goes on from here.',
    },
    'the provider reports a failure',
    said,
  );
}

/** The span lies outside of what the provider serves. */
export function outOfReach(said: Said): Failed {
  return fault(
    {
      class: 'contract',
      code: 'provider.out_of_reach',
      hint: 'These days can no longer be had from this provider.',
      remedy: { kind: 'out_of_reach' },
    },
    'the provider no longer serves this span',
    said,
  );
}

/** The provider refused the request for a reason that asking again does not mend. */
export function requestRefused(
  said: Said,
  hint = 'Check the options and baseUrl of this account.',
): Failed {
  return fault(
    { class: 'contract', code: 'provider.refused', hint },
    'the provider refused the request',
    said,
  );
}

/** The response is JSON, but not the JSON that the API promises. */
export function notAsPromised(error: z.ZodError): Failed {
  const issue = error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'response' : issue.path.join('.');
  return {
    kind: 'fault',
    fault: {
      class: 'contract',
      code: 'response.shape',
      message: `the response is not what the API promises (${where}: ${issue?.message ?? 'invalid'})`,
      hint: 'Check that baseUrl names this provider; otherwise its API has changed.',
    },
  };
}
