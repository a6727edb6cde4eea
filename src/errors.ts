import { type ConfigErrorCode, type ErrorCode, errorEntry } from './codes/catalogue.ts';
import type { ErrorClass, Language, Text } from './codes/entry.ts';
import { printable } from './redact.ts';

export type { ErrorClass };

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

/**
 * A failure as a plain value: what a pure `read` returns instead of a page. The
 * class decides the recovery; the code is stable and documented; the hint says
 * what a person can do.
 */
export interface Fault {
  readonly class: ErrorClass;
  /** Dotted, lower case: `auth.rejected`, `http.timeout`. */
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: Text;
  readonly remedy?: Remedy;
  /** Overrides what the class says about asking again: a garbled body is worth another try. */
  readonly retry?: boolean;
}

/** What a fault has beside what the catalogue says of its code. */
export interface FaultDetails extends Pick<Fault, 'remedy' | 'retry'> {
  /** More exact than that of the catalogue. */
  readonly hint?: Text | undefined;
}

/** A fault of the class, and with the hint, that the catalogue gives its code. */
export function fault(
  code: ErrorCode,
  message: string,
  { hint, ...details }: FaultDetails = {},
): Fault {
  const entry = errorEntry(code);
  return { class: entry.class, code, message, hint: hint ?? entry.hint, ...details };
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

/** A failure as a run reports it, with its hint in each language. */
export interface Failure {
  readonly code: string;
  readonly class: ErrorClass;
  readonly message: string;
  readonly hint: Text;
  /** How long the provider told us to wait. */
  readonly retry_after_seconds?: number;
}

/** The `error` object of the JSON output and of stored runs. Its hint is English in every locale: machines read it. */
export interface ErrorReport extends Omit<Failure, 'hint'> {
  readonly hint: string;
}

export function failureOf(error: CdrError): Failure {
  const { code, class: kind, hint, remedy } = error.fault;
  const wait = remedy?.kind === 'wait' ? { retry_after_seconds: Math.ceil(remedy.ms / 1000) } : {};
  return { code, class: kind, message: describeError(error), hint, ...wait };
}

export function reportError(failure: Failure): ErrorReport {
  return { ...failure, hint: failure.hint.en };
}

/** A failure for a person: its message with the code to look it up by, then what to do. */
export function failureText({ message, code, hint }: Failure, language: Language): string {
  // A message may list problems: the code stands in its first line.
  const coded = printable(message).replace(/$/m, ` [${code}]`);
  return `${coded}\n  → ${hint[language]}\n`;
}

/** Of the configuration or the command line. */
export function configError(code: ConfigErrorCode, message: string, hint?: Text): CdrError {
  return new CdrError(fault(code, message, { hint }));
}
