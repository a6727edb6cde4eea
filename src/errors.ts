/**
 * What a failure asks of whoever meets it. The class decides the recovery; the
 * code is stable and documented; the hint says what a person can do.
 *
 * - `transient`: try again, a few times, with growing pauses.
 * - `rate_limited`: wait as told; a long wait ends the account's run.
 * - `auth`: stop the account; asking again would only get it locked.
 * - `contract`: the provider's answer is not what its API promises.
 * - `config`: the configuration or the command line is wrong.
 * - `store`: the local store cannot be used.
 */
export type ErrorClass = 'transient' | 'rate_limited' | 'auth' | 'contract' | 'config' | 'store';

/** What the engine may do by itself about a fault before it gives up on the request. */
export type Remedy =
  | { readonly kind: 'none' }
  /** The session token is no longer valid: log in again, then ask again. */
  | { readonly kind: 'login' }
  /** The provider refuses our clock: sign with its own, as its `Date` header tells. */
  | { readonly kind: 'clock' }
  /** The span lies outside of what the provider still serves. */
  | { readonly kind: 'out_of_reach' }
  /** Wait this long, in milliseconds, before asking again. */
  | { readonly kind: 'wait'; readonly ms: number };

/** A failure as a plain value: what a pure `read` returns instead of a page. */
export interface Fault {
  readonly class: ErrorClass;
  /** Stable, dotted, lower case: `auth.rejected`, `http.timeout`. */
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly remedy?: Remedy;
  /** Overrides what the class says about asking again: a garbled body is worth another try. */
  readonly retry?: boolean;
}

/** Where a fault happened, for its message and the run's record. */
export interface FaultContext {
  readonly operation?: string;
  readonly account?: string;
  readonly window?: string;
}

/** The one error type that crosses module borders; everything else is a bug. */
export class CdrError extends Error {
  override readonly name = 'CdrError';
  readonly fault: Fault;
  readonly context: FaultContext;

  constructor(fault: Fault, context: FaultContext = {}, cause?: unknown) {
    super(fault.message, cause === undefined ? undefined : { cause });
    this.fault = fault;
    this.context = context;
  }

  /** The same fault with more of its circumstances named. */
  within(context: FaultContext): CdrError {
    return new CdrError(this.fault, { ...context, ...this.context }, this.cause);
  }
}

/** Whether asking once more can help. */
export function isRetryable(fault: Fault): boolean {
  return fault.retry ?? (fault.class === 'transient' || fault.class === 'rate_limited');
}

/** One line for a person: what failed, where, and why. */
export function describeError(error: CdrError): string {
  const { operation, account, window } = error.context;
  const where = [account, operation, window].filter((part) => part !== undefined).join(' ');
  return where === '' ? error.message : `${where}: ${error.message}`;
}

/** The `error` object of the JSON output. */
export interface ErrorReport {
  readonly code: string;
  readonly class: ErrorClass;
  readonly message: string;
  readonly hint: string;
  /** How long the provider told us to wait. */
  readonly retry_after_seconds?: number;
}

export function reportError(error: CdrError): ErrorReport {
  const { code, class: kind, hint, remedy } = error.fault;
  const wait = remedy?.kind === 'wait' ? { retry_after_seconds: Math.ceil(remedy.ms / 1000) } : {};
  return { code, class: kind, message: describeError(error), hint, ...wait };
}

export function configError(code: string, message: string, hint: string): CdrError {
  return new CdrError({ class: 'config', code, message, hint });
}
