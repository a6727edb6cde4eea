import type { z } from 'zod';
import type { Call } from '../call.ts';
import type { Fault } from '../errors.ts';
import { isObject, type Json, type JsonObject } from '../json.ts';
import { type Span, type ZoneClock, zoneClock } from '../time.ts';
import { NOT_PLAIN, RowProblem, UNCOMPILED } from './fields.ts';
import { unkept, wellFormed } from './well-formed.ts';

/**
 * What a provider is: one plain object, in one file, with pure functions. It
 * knows nothing of stores, retries or schedules; the engine does all I/O.
 */
export interface ProviderSpec<Credentials, Options, Row> {
  /** The word in the configuration. */
  readonly name: string;
  readonly address: Address;
  readonly credentials: z.ZodType<Credentials>;
  readonly options: z.ZodType<Options>;
  /** One listed row, as far as the mapping needs it; unknown fields pass. */
  readonly row: z.ZodType<Row>;
  /** The same for plain rows, faster; it throws NOT_PLAIN, or gives exactly what `row` does. */
  readonly plainRow?: (row: JsonObject) => Row;
  /** The credentials that no output may show. */
  readonly secrets: (credentials: Credentials) => readonly string[];
  /** What makes two configured entries the same login at one base URL. */
  readonly principal: (credentials: Credentials, options: Options) => string;
  readonly defaults: ProviderDefaults;
  readonly reach: Reach;
  readonly paging: Paging;
  readonly identity: Identity;
  /** Top-level fields of which only set or unset counts as a change. */
  readonly volatile: readonly string[];
  /** Grows by one when `toCall` changes its meaning, so that stored raws can be mapped again. */
  readonly mappingVersion: number;
  /** One page of the span, signed for `ask.signing`. */
  readonly request: (ask: Ask, access: Access<Credentials, Options>) => HttpRequest;
  /** What the response to that request says. */
  readonly read: (body: Json, ask: Ask, access: Access<Credentials, Options>) => Reading;
  /** @throws RowProblem where the row cannot be a call record. */
  readonly toCall: (row: Row, access: Access<Credentials, Options>, names: Names) => Call;
  /** Where requests need a session token that must be fetched first. */
  readonly login?: Login<Credentials, Options>;
  /** Lists that give names to codes in the calls. */
  readonly dimensions?: readonly Dimension<Credentials, Options>[];
  /**
   * The cursor that lists less than `ask` did, where a span of one second holds
   * more than its page shows; null where nothing narrower can be asked for.
   */
  readonly narrow?: (ask: Ask) => string | null;
  /** What an operator should hear once about these settings. */
  readonly warnings?: (options: Options) => readonly string[];
}

/** What is known of a provider's base URL. */
export interface Address {
  /** What one looks like. */
  readonly example: string;
  /** The end of a path that is not part of it, though the provider's documents show it there. */
  readonly endpoint: RegExp;
}

export interface ProviderDefaults {
  /** Durations, as in the configuration. */
  readonly every: string;
  readonly minInterval: string;
}

/** What a provider's list API can be asked for. */
export interface Reach {
  /** The most calendar days that one window may span. */
  readonly maxDays: number;
  /** The oldest instant still served; null where no limit is known. */
  readonly horizon: (now: number) => number | null;
  /** A query is for one whole calendar day, whatever part of it is wanted. */
  readonly wholeDays: boolean;
}

/**
 * - `numbered`: pages are counted, so rows that come or go shift the others.
 * - `keyed`: the cursor is a row's key, and whether the provider heeds it, in
 *   which direction, and whether it includes the row itself, is learnt.
 */
export type Paging = 'numbered' | 'keyed';

/**
 * - `native`: the provider gives each call an id.
 * - `derived`: it does not; `call_id` is a digest of what identifies the row,
 *   and equal rows of one day are told apart by their number.
 */
export type Identity = 'native' | 'derived';

/** One account as a provider's functions see it. */
export interface Access<Credentials, Options> {
  readonly accountId: string;
  /** Without a trailing slash. */
  readonly baseUrl: string;
  readonly clock: ZoneClock;
  /** The configured currency, for providers that state none. */
  readonly currency: string | null;
  readonly credentials: Credentials;
  readonly options: Options;
}

/** What a request is signed with; handed in, so that signing is a pure function. */
export interface Signing {
  /** Milliseconds since 1970, on the provider's clock as far as it is known. */
  readonly now: number;
  /** At most 20 characters [0-9a-z], never used twice. */
  readonly nonce: string;
  /** The session token, for providers that have a login; else null. */
  readonly token: string | null;
}

/** One page wanted: whole seconds `from` and `to`, asked as they stand. */
export interface Ask extends Span {
  /** Null for the first page, afterwards `After.cursor` of the page before. Opaque to the engine. */
  readonly cursor: string | null;
  readonly signing: Signing;
}

export interface HttpRequest {
  /** The API's name for it, for messages: `GetBill`. */
  readonly operation: string;
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: HttpBody;
  /** Values of this request that no message may repeat: signature, digest, token. */
  readonly secrets: readonly string[];
}

export type HttpBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly text: string }
  /** multipart/form-data, in this order. */
  | { readonly kind: 'form'; readonly fields: FormFields };

export type FormFields = readonly (readonly [name: string, value: string])[];

export type Reading = Page | Failed;

export interface Failed {
  readonly kind: 'fault';
  readonly fault: Fault;
}

export interface Page {
  readonly kind: 'page';
  /** In the provider's order. An element that is no object stays, to be quarantined. */
  readonly rows: readonly Json[];
  /** How many rows the whole window has, where the response states that (and not, say, the page's own count). */
  readonly total: number | null;
  /** How many of the rows the cursor itself makes the response repeat (the row of the key); none where absent. */
  readonly overlap?: number;
  readonly after: After;
}

/** What the response itself says about what follows it. */
export type After =
  | { readonly kind: 'more'; readonly cursor: string }
  /**
   * Nothing follows. With `proof`, the response shows it: it is empty, or
   * shorter than the page size that it states. A short page alone is no proof.
   */
  | { readonly kind: 'end'; readonly proof: boolean }
  /** More must exist, and no cursor reaches it: the window has to be narrowed. */
  | { readonly kind: 'stuck'; readonly reason: string };

export interface Login<Credentials, Options> {
  /** Null where the credentials hold a token already and nothing is to be fetched. */
  readonly request: (signing: Signing, access: Access<Credentials, Options>) => HttpRequest | null;
  readonly read: (body: Json) => { readonly kind: 'token'; readonly token: string } | Failed;
}

export interface Dimension<Credentials, Options> {
  /** `hangup_reasons` */
  readonly name: string;
  readonly request: (signing: Signing, access: Access<Credentials, Options>) => HttpRequest;
  readonly read: (
    body: Json,
  ) => { readonly kind: 'entries'; readonly entries: readonly DimensionEntry[] } | Failed;
}

export interface DimensionEntry {
  readonly id: string;
  readonly name: string;
  readonly raw: JsonObject;
}

/** The name behind a code, from a synced dimension; null where it is not known. */
export type Names = (dimension: string, id: string) => string | null;

export type Mapped =
  | { readonly kind: 'call'; readonly call: Call }
  /** To be quarantined with this reason, which repeats no value of the row. */
  | { readonly kind: 'rejected'; readonly reason: string };

/** What the configuration gives a provider to work with. */
export interface AccountSettings {
  readonly accountId: string;
  readonly baseUrl: string;
  readonly timeZone: string;
  readonly currency: string | null;
  readonly credentials: unknown;
  readonly options: unknown;
}

/** A provider as the registry lists it: its types closed over, so that the engine needs none of them. */
export interface Provider {
  readonly name: string;
  readonly address: Address;
  readonly credentials: z.ZodType;
  readonly options: z.ZodType;
  readonly defaults: ProviderDefaults;
  readonly reach: Reach;
  /** How a row is read, for who holds the two against each other. */
  readonly row: z.ZodType;
  readonly plainRow: ((row: JsonObject) => unknown) | null;
  /** @throws ZodError where credentials or options do not fit their schemas. */
  readonly open: (settings: AccountSettings) => Connector;
}

/** One account's provider, ready to be asked. */
export interface Connector {
  readonly provider: string;
  readonly address: Address;
  readonly reach: Reach;
  readonly paging: Paging;
  readonly identity: Identity;
  readonly volatile: readonly string[];
  readonly mappingVersion: number;
  readonly secrets: readonly string[];
  readonly principal: string;
  readonly warnings: readonly string[];
  readonly request: (ask: Ask) => HttpRequest;
  readonly read: (body: Json, ask: Ask) => Reading;
  readonly toCall: (row: Json, names: Names) => Mapped;
  readonly narrow: (ask: Ask) => string | null;
  readonly login: {
    readonly request: (signing: Signing) => HttpRequest | null;
    readonly read: (body: Json) => { readonly kind: 'token'; readonly token: string } | Failed;
  } | null;
  readonly dimensions: readonly {
    readonly name: string;
    readonly request: (signing: Signing) => HttpRequest;
    readonly read: (
      body: Json,
    ) => { readonly kind: 'entries'; readonly entries: readonly DimensionEntry[] } | Failed;
  }[];
}

/** Closes a provider's own types over, without a cast. */
export function defineProvider<Credentials, Options, Row>(
  spec: ProviderSpec<Credentials, Options, Row>,
): Provider {
  const { name, address, credentials, options, defaults, reach, row, plainRow = null } = spec;
  return {
    name,
    address,
    credentials,
    options,
    defaults,
    reach,
    row,
    plainRow,
    open: (settings) => openAccount(spec, settings),
  };
}

function openAccount<Credentials, Options, Row>(
  spec: ProviderSpec<Credentials, Options, Row>,
  settings: AccountSettings,
): Connector {
  const access: Access<Credentials, Options> = {
    accountId: settings.accountId,
    baseUrl: settings.baseUrl,
    clock: zoneClock(settings.timeZone),
    currency: settings.currency,
    credentials: spec.credentials.parse(settings.credentials, UNCOMPILED),
    options: spec.options.parse(settings.options, UNCOMPILED),
  };
  const { login, dimensions = [], narrow = () => null } = spec;
  return {
    provider: spec.name,
    address: spec.address,
    reach: spec.reach,
    paging: spec.paging,
    identity: spec.identity,
    volatile: spec.volatile,
    mappingVersion: spec.mappingVersion,
    secrets: spec.secrets(access.credentials),
    principal: spec.principal(access.credentials, access.options),
    warnings: spec.warnings?.(access.options) ?? [],
    request: (ask) => spec.request(ask, access),
    read: (body, ask) => spec.read(body, ask, access),
    toCall: (row, names) => mapRow(spec, row, access, names),
    narrow,
    login:
      login === undefined
        ? null
        : { request: (signing) => login.request(signing, access), read: login.read },
    dimensions: dimensions.map((dimension) => ({
      name: dimension.name,
      request: (signing) => dimension.request(signing, access),
      read: dimension.read,
    })),
  };
}

function mapRow<Credentials, Options, Row>(
  spec: ProviderSpec<Credentials, Options, Row>,
  row: Json,
  access: Access<Credentials, Options>,
  names: Names,
): Mapped {
  try {
    const plain = readPlain(spec, row);
    const parsed =
      plain === null ? spec.row.safeParse(row) : ({ success: true, data: plain } as const);
    if (!parsed.success) return { kind: 'rejected', reason: issueText(parsed.error) };
    const call = spec.toCall(parsed.data, access, names);
    const reason = unkept(call);
    if (reason !== null) return { kind: 'rejected', reason };
    return { kind: 'call', call: wellFormed(call) };
  } catch (error) {
    if (error instanceof RowProblem) return { kind: 'rejected', reason: error.message };
    throw error;
  }
}

/** Null where the schema has to say what the row is. */
function readPlain<Credentials, Options, Row>(
  { plainRow }: ProviderSpec<Credentials, Options, Row>,
  row: Json,
): Row | null {
  // A field of that name would become something else in a copy than in the schema's result.
  if (plainRow === undefined || !isObject(row) || Object.hasOwn(row, '__proto__')) return null;
  try {
    return plainRow(row);
  } catch (error) {
    if (error === NOT_PLAIN) return null;
    throw error;
  }
}

function issueText(error: z.ZodError): string {
  return error.issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join('.')}: ${message}`))
    .join('; ');
}
