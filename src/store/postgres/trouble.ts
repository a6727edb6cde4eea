import type { ErrorCode } from '../../codes/catalogue.ts';

/** What a failure of the database asks for. */

/** A commit of which nobody knows whether it took place. */
export class UncertainCommit extends Error {
  override readonly name = 'UncertainCommit';
}

/** SQLSTATE or a code of the system; empty where there is none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
    ? error.code
    : '';
}

/** With a digit, unlike the system's own codes, such as EPERM. */
const SQLSTATE = /^(?=.*\d)[0-9A-Z]{5}$/;

/** Of a server that goes, comes, or has no place left (class 08, 57P01 to 57P05, 25P03, 53300). */
const GONE = /^(?:08\w{3}|57P0[1-5]|25P0[34]|53300)$/;
const UNREACHABLE =
  /^(?:ECONNREFUSED|ECONNRESET|EPIPE|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN)$/;
/** The driver says these in words alone. */
const WORDS =
  /^(?:Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Client was closed)/;

/** The connection is lost, or cannot be had now: another one may do. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = codeOf(error);
  // The socket of a server on this machine, which is a file.
  const noSocket = 'syscall' in error && error.syscall === 'connect' && code === 'ENOENT';
  return GONE.test(code) || UNREACHABLE.test(code) || noSocket || WORDS.test(error.message);
}

/** The transaction met another's: the same one may do now. Not a lock that was waited for in vain: it is still held. */
export function isConflict(error: unknown): boolean {
  return /^(?:40001|40P01)$/.test(codeOf(error));
}

/** By the beginning of the SQLSTATE: the first that fits. */
const TROUBLES: readonly (readonly [prefix: RegExp, code: ErrorCode, message: string])[] = [
  [/^53100/, 'store.full', 'the disk of the database is full'],
  [/^25006/, 'store.readonly', 'the database can only be read, as a standby can'],
  [/^(?:40001|40P01|55P03)/, 'store.busy', 'other transactions hold the rows of the store'],
  [/^3D000/, 'store.refused', 'there is no such database on the server'],
  [/^28|^3F000|^42501/, 'store.refused', 'the database refuses this user, or what it asks for'],
  [/^XX00[12]/, 'store.corrupt', 'the database is damaged'],
  [/^58/, 'store.io', 'the disk of the database failed'],
  [
    /^SELF_SIGNED|^DEPTH_ZERO|^UNABLE_TO|^CERT_|^ERR_TLS/,
    'store.refused',
    'the certificate of the database cannot be verified',
  ],
];

/** The driver has no codes for these. */
const WORDS_OF_DRIVER: readonly (readonly [beginning: string, message: string])[] = [
  ['The server does not support SSL', 'the database offers no TLS, which sslmode asks for'],
  ['SASL', 'the database asks for a password in a way that the login has no answer to'],
  ['Hostname/IP does not match', 'the certificate of the database is for another host'],
];

export interface Trouble {
  readonly code: ErrorCode;
  readonly message: string;
}

/** In words for an operator; never those of the server, which quote values. */
export function postgresTrouble(error: unknown): Trouble | null {
  const code = codeOf(error);
  const words = error instanceof Error ? error.message : '';
  if (error instanceof UncertainCommit) {
    return { code: 'store.unreachable', message: error.message };
  }
  const said = WORDS_OF_DRIVER.find(([beginning]) => words.startsWith(beginning));
  if (said !== undefined) return { code: 'store.refused', message: said[1] };
  const known = TROUBLES.find(([prefix]) => prefix.test(code));
  if (known !== undefined) return { code: known[1], message: `${known[2]} (${code})` };
  if (isLost(error)) {
    const why = code === '' ? '' : ` (${code})`;
    return { code: 'store.unreachable', message: `the database cannot be reached${why}` };
  }
  if (!SQLSTATE.test(code)) return null;
  return { code: 'store.failed', message: `the database failed with ${code}` };
}
