import type { z } from 'zod';
import type { ErrorCode } from '../codes/catalogue.ts';
import type { Text } from '../codes/entry.ts';
import { type FaultDetails, fault } from '../errors.ts';
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

function failed(code: ErrorCode, what: string, said: Said, details: FaultDetails = {}): Failed {
  const words = said.message === null ? '' : `: ${said.message}`;
  return { kind: 'fault', fault: fault(code, `${what} (${said.code})${words}`, details) };
}

/** The login, signature or permission was refused. */
export function credentialsRefused(said: Said, hint?: Text): Failed {
  return failed('auth.rejected', 'the provider refused the credentials', said, { hint });
}

export function addressRefused(said: Said): Failed {
  return failed('auth.address', 'the provider refused this address', said);
}

/** The session token ran out; the engine logs in again once. */
export function tokenRefused(said: Said): Failed {
  const remedy = { kind: 'login' } as const;
  return failed('auth.token', 'the provider refused the token', said, { remedy });
}

/** The signature's timestamp is too far from the provider's clock. */
export function clockRefused(said: Said): Failed {
  const remedy = { kind: 'clock' } as const;
  return failed('auth.clock', 'the provider refused the time of the request', said, { remedy });
}

export function tooManyRequests(said: Said): Failed {
  return failed('provider.rate_limited', 'the provider asks to slow down', said);
}

/** The provider's own trouble, worth another try. */
export function providerTrouble(said: Said): Failed {
  return failed('provider.trouble', 'the provider reports a failure', said);
}

/** The span lies outside of what the provider serves. */
export function outOfReach(said: Said): Failed {
  const remedy = { kind: 'out_of_reach' } as const;
  return failed('provider.out_of_reach', 'the provider no longer serves this span', said, {
    remedy,
  });
}

/** The provider refused the request for a reason that asking again does not mend. */
export function requestRefused(said: Said, hint?: Text): Failed {
  return failed('provider.refused', 'the provider refused the request', said, { hint });
}

/** The response is JSON, but not the JSON that the API promises. */
export function notAsPromised(error: z.ZodError): Failed {
  const issue = error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? 'response' : issue.path.join('.');
  return {
    kind: 'fault',
    fault: fault(
      'response.shape',
      `the response is not what the API promises (${where}: ${issue?.message ?? 'invalid'})`,
    ),
  };
}
