/** Where a store is, as its URL in the configuration says. */
export type StoreAddress = SqliteAddress | PostgresAddress;

export interface SqliteAddress {
  readonly kind: 'sqlite';
  readonly path: string;
}

export interface PostgresAddress {
  readonly kind: 'postgres';
  /** A host name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  /** Null where the driver's own sources are to say (PGUSER, PGPASSWORD, `~/.pgpass`). */
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string;
  readonly schema: string;
  readonly tls: PostgresTls;
  /** Connections at most. */
  readonly pool: number;
  readonly applicationName: string;
}

/** Verified or not at all: a connection that would believe any certificate keeps nobody out. */
export type PostgresTls =
  | { readonly kind: 'off' }
  | {
      readonly kind: 'verified';
      /** Files in PEM; null for the system's authorities, and for no certificate of one's own. */
      readonly ca: string | null;
      readonly cert: string | null;
      readonly key: string | null;
    };

export type ParsedUrl =
  | { readonly kind: 'address'; readonly address: StoreAddress }
  | { readonly kind: 'problem'; readonly message: string };

/** Reads `sqlite:PATH` or `postgres://…`. The problem names no value: the URL may hold a password. */
export function parseStoreUrl(url: string): ParsedUrl {
  if (/^sqlite:./.test(url)) {
    return { kind: 'address', address: { kind: 'sqlite', path: url.slice('sqlite:'.length) } };
  }
  if (!/^postgres(?:ql)?:\/\//.test(url)) return problem('must be sqlite:PATH or postgres://…');
  const parsed = URL.canParse(url) ? new URL(url) : null;
  if (parsed === null) {
    return problem('is not a URL (in a user or password, write @ as %40, / as %2F, : as %3A)');
  }
  return parsePostgres(parsed);
}

const PARAMETERS = [
  'host',
  'schema',
  'pool',
  'application_name',
  'sslmode',
  'sslrootcert',
  'sslcert',
  'sslkey',
];
const VERIFIED = ['require', 'verify-ca', 'verify-full'];

function parsePostgres({
  hostname,
  port,
  pathname,
  username,
  password,
  searchParams,
  hash,
}: URL): ParsedUrl {
  const unknown = [...searchParams.keys()].find((name) => !PARAMETERS.includes(name));
  if (unknown !== undefined) {
    return problem(`has a parameter that is none of ${PARAMETERS.join(', ')}`);
  }
  if (hash !== '') return problem('must hold no fragment (write # as %23)');
  const decoded = [pathname.slice(1), username, password].map(unescaped);
  const [database, user, secret] = decoded;
  if (
    database === undefined ||
    user === undefined ||
    secret === undefined ||
    decoded.includes(undefined)
  ) {
    return problem('has a % that stands for nothing (write % as %25)');
  }
  if (database === '' || database.includes('/'))
    return problem('must name a database after the host');
  const schema = searchParams.get('schema') ?? 'cdrsync';
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(schema) || schema.startsWith('pg_')) {
    return problem('has a schema that is not of lower-case letters, digits and _');
  }
  const pool = Number(searchParams.get('pool') ?? DEFAULT_POOL);
  if (!Number.isInteger(pool) || pool < 2 || pool > 200) {
    return problem('has a pool that is not a whole number from 2 to 200');
  }
  const sslmode = searchParams.get('sslmode') ?? 'disable';
  if (sslmode !== 'disable' && !VERIFIED.includes(sslmode)) {
    return problem(
      'has an sslmode that is none of disable, require, verify-ca, verify-full: a certificate that is not checked protects nothing',
    );
  }
  return {
    kind: 'address',
    address: {
      kind: 'postgres',
      host: searchParams.get('host') ?? (hostname === '' ? 'localhost' : plainHost(hostname)),
      port: port === '' ? 5432 : Number(port),
      user: user === '' ? null : user,
      password: secret === '' ? null : secret,
      database,
      schema,
      tls:
        sslmode === 'disable'
          ? { kind: 'off' }
          : {
              kind: 'verified',
              ca: searchParams.get('sslrootcert'),
              cert: searchParams.get('sslcert'),
              key: searchParams.get('sslkey'),
            },
      pool,
      applicationName: searchParams.get('application_name') ?? 'cdrsync',
    },
  };
}

const DEFAULT_POOL = 10;

function problem(message: string): ParsedUrl {
  return { kind: 'problem', message };
}

function unescaped(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** Without the brackets that an address of IPv6 has in a URL. */
function plainHost(hostname: string): string {
  return unescaped(hostname.replace(/^\[(.*)\]$/, '$1')) ?? hostname;
}

/**
 * The address of a URL that was checked before.
 *
 * @throws TypeError where it was not.
 */
export function storeAddress(url: string): StoreAddress {
  const parsed = parseStoreUrl(url);
  if (parsed.kind === 'problem') throw new TypeError(`the URL of the store ${parsed.message}`);
  return parsed.address;
}

/** The store as people call it: the path of the file, or the database and its schema without any login. */
export function storeName(store: string | StoreAddress): string {
  const address = typeof store === 'string' ? storeAddress(store) : store;
  if (address.kind === 'sqlite') return address.path;
  const { host, port, database, schema } = address;
  return `postgres://${host}:${port}/${database}?schema=${schema}`;
}

/** The same URL with the files that it names as whole paths. */
export function resolveStoreUrl(url: string, resolve: (file: string) => string): string {
  const address = storeAddress(url);
  if (address.kind === 'sqlite') return `sqlite:${resolve(address.path)}`;
  const resolved = new URL(url);
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const file = resolved.searchParams.get(name);
    if (file !== null) resolved.searchParams.set(name, resolve(file));
  }
  return resolved.href;
}
