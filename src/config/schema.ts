import { z } from 'zod';
import { parseBytes } from '../bytes.ts';
import { providers } from '../providers/registry.ts';
import { DAY, isDay, isZone, parseDuration } from '../time.ts';
import { type Listen, parseListen } from './listen.ts';
import { durationPattern, shape, wholeDaysPattern } from './patterns.ts';
import { httpUrl, proxyUrl, queueUrl, storeUrl } from './urls.ts';

/**
 * The shape of worker.config.json. Unknown keys are problems: a misspelt setting is silently not there.
 * `meta` is for the JSON Schema that editors read (json-schema.ts): it says in patterns what the
 * checks here say in code.
 */

const ADDRESS = 'HOST:PORT such as 127.0.0.1:8787 or [::1]:8787';

const MEASURES = 'a duration such as 500ms, 90s, 5m, 2h or 1d';

function duration(least: string, most: string) {
  return z
    .string(`must be ${MEASURES}`)
    .transform((text, context): number => {
      const value = parseDuration(text);
      const [low, high] = [parseDuration(least) ?? 0, parseDuration(most) ?? 0];
      if (value !== null && value >= low && value <= high) return value;
      context.addIssue(value === null ? `must be ${MEASURES}` : `must be ${least} to ${most}`);
      return z.NEVER;
    })
    .meta(shape(durationPattern(least, most), `must be ${MEASURES}: ${least} to ${most}`));
}

const SIZES = 'a size such as 256MB or 1GB, or 0B for none';

const size = z
  .string(`must be ${SIZES}`)
  .transform((text, context): number => {
    const value = parseBytes(text);
    if (value !== null && value <= (parseBytes(LARGEST_SIZE) ?? 0)) return value;
    context.addIssue(value === null ? `must be ${SIZES}` : `must be 0B to ${LARGEST_SIZE}`);
    return z.NEVER;
  })
  .meta({ pattern: '^\\d{1,9}(B|KB|MB|GB|TB)$' });

const LARGEST_SIZE = '1000TB';

export const DEFAULT_LOOKBACK = '2h';
export const DEFAULT_AUDITS: readonly string[] = ['1d', '3d', '7d'];

/** What is waited for by a timer: Node's are no longer than 24.8 days. */
const LONGEST_WAIT = '24d';

/** Windows are cut at midnights. */
const [SHORTEST_WINDOW, LONGEST_WINDOW] = ['1d', '366d'];

const days = duration(SHORTEST_WINDOW, LONGEST_WINDOW)
  .transform((value, context): number => {
    if (value % DAY === 0) return value / DAY;
    context.addIssue('must be whole days, such as 1d');
    return z.NEVER;
  })
  .meta(
    shape(
      wholeDaysPattern(SHORTEST_WINDOW, LONGEST_WINDOW),
      `must be whole days: ${SHORTEST_WINDOW} to ${LONGEST_WINDOW}`,
    ),
  );

const zone = z
  .string()
  .refine(isZone, 'must be a time zone such as Asia/Shanghai (the system knows no such zone)')
  .meta({ pattern: '^(UTC|[A-Z][A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$' });

const startAt = z
  .string('must be a date (2026-10-01) or a time with its offset (2026-10-01T08:00:00+08:00)')
  .refine(
    (text) => isDay(text) || isOffsetTime(text),
    'must be a date (2026-10-01) or a time with its offset (2026-10-01T08:00:00+08:00)',
  )
  .meta({
    pattern: '^\\d{4}-\\d{2}-\\d{2}(T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?(Z|[+-]\\d{2}:\\d{2}))?$',
  });

function isOffsetTime(text: string): boolean {
  const shape = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/;
  return shape.test(text) && isDay(text.slice(0, 10)) && !Number.isNaN(Date.parse(text));
}

const KNOWN = providers.map(({ name }) => name).join(', ');

/** A word that may be a misspelt provider is repeated; a secret in the wrong place is longer or more than that. */
function misspelt(input: unknown): string {
  return typeof input === 'string' && /^[a-z0-9-]{1,16}$/.test(input) ? `"${input}" ` : '';
}

const providerName = z.enum(
  providers.map(({ name }) => name),
  {
    error: ({ input }) => `${misspelt(input)}is no provider (there are ${KNOWN})`,
  },
);

export const accountSchema = z.strictObject({
  id: z
    .string('must be a name for this account')
    .regex(
      /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/,
      'must be letters, digits, dot, dash or underscore, at most 64',
    )
    .meta({
      title: 'Name of this account',
      description: 'Its calls are stored under it: never give it to another login.',
    }),
  provider: providerName.meta({ title: 'Provider' }),
  baseUrl: httpUrl.meta({
    title: 'Base URL',
    description: "The provider's address, without endpoint path, user, query or fragment.",
  }),
  credentials: z
    .record(z.string(), z.unknown(), 'must be an object')
    .meta({ title: 'Login', description: "The provider's own: README.md lists them." }),
  options: z
    .record(z.string(), z.unknown(), 'must be an object')
    .default({})
    .meta({ title: 'Options', description: "The provider's own." }),
  timeZone: zone.default('Asia/Shanghai').meta({
    title: 'Time zone',
    description: "The wall clock of the provider's naive times, and where its days begin.",
  }),
  startAt: startAt.optional().meta({
    title: 'Beginning of history',
    description:
      'A day, or a time with its offset; yesterday by default, fixed at the first run. Moved earlier, it opens the days before.',
  }),
  every: duration('1s', LONGEST_WAIT).optional().meta({
    title: 'Poll interval',
    description: 'How often the worker polls, or a cron job is meant to.',
  }),
  lookback: duration('0s', '366d').prefault(DEFAULT_LOOKBACK).meta({
    title: 'Lookback',
    description:
      'How far behind the watermark every poll reads again, for late and changed records.',
  }),
  settle: duration('0s', LONGEST_WAIT)
    .prefault('60s')
    .meta({ title: 'Settle', description: 'How close to now a poll may read.' }),
  retention: duration('1d', '36600d').optional().meta({
    title: 'Retention',
    description:
      'How long calls keep numbers, names and payload; afterwards these are overwritten, in every version. Off by default.',
  }),
  window: days.prefault('1d').meta({
    title: 'Window',
    description:
      'The most that one walk covers, in whole days; never more than the provider allows.',
  }),
  audit: z
    .array(duration('1d', '366d'))
    .prefault([...DEFAULT_AUDITS])
    .meta({ title: 'Audits', description: 'At which ages a closed day is audited.' }),
  minInterval: duration('0s', LONGEST_WAIT)
    .optional()
    .meta({ title: 'Minimum interval', description: 'The least time between two requests.' }),
  timeout: duration('100ms', '1h')
    .prefault('30s')
    .meta({ title: 'Timeout', description: 'Of one request, whole.' }),
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a currency code such as CNY')
    .optional()
    .meta({ title: 'Currency', description: 'Of the fees of providers that state none.' }),
  proxy: z
    .union([proxyUrl, z.literal(false)], 'must be an http(s) URL or false')
    .optional()
    .meta({
      title: 'Proxy',
      description: 'A URL, or false for none; the proxy variables by default.',
    }),
  ca: z.string().min(1, 'must be the path of a PEM file').optional().meta({
    title: 'Certificate authority',
    description: 'A PEM file with a further certificate authority.',
  }),
});

const listen = z
  .string(`must be ${ADDRESS}`)
  .transform((text, context): Listen => {
    const value = parseListen(text);
    if (value !== null) return value;
    context.addIssue(`must be ${ADDRESS}`);
    return z.NEVER;
  })
  .meta({ pattern: '^(\\[.+\\]|[^:]+):\\d{1,5}$' });

/** What `Authorization: Bearer` carries unchanged. */
const token = z
  .string('must be text')
  .min(1, 'must not be empty')
  .regex(/^[\x21-\x7e]*$/, 'must be printable ASCII without blanks');

export const configSchema = z.strictObject({
  $schema: z.string().optional().meta({ description: 'For editors: the path of this schema.' }),
  store: storeUrl.default('sqlite:./data/cdrsync.db').meta({
    title: 'Store',
    description:
      'sqlite:PATH, or postgres://USER:PASSWORD@HOST/DATABASE?schema=cdrsync&sslmode=verify-full; relative paths are against this folder.',
  }),
  diskReserve: size.prefault('256MB').meta({
    title: 'Disk reserve',
    description:
      "What is to stay free on the store's disk: with less, nothing is fetched. 0B: off.",
  }),
  queue: queueUrl.default('embedded').meta({
    title: 'Queue of the worker',
    description:
      'embedded (one worker), or redis://…, rediss://…, postgres://… for as many as you like.',
  }),
  http: z
    .strictObject({
      listen: listen.prefault('127.0.0.1:8787').meta({ description: ADDRESS }),
      token: token.optional().meta({
        description:
          'What requests must carry (Authorization: Bearer TOKEN); needed beyond loopback.',
      }),
    })
    .prefault({})
    .meta({ title: 'HTTP of the worker' }),
  accounts: z
    .array(accountSchema, 'must be a list of accounts')
    .min(1, 'must name at least one account')
    .meta({ title: 'Accounts', description: 'One entry for each login at a provider.' }),
});

export type AccountEntry = z.infer<typeof accountSchema>;
export type ConfigEntries = z.infer<typeof configSchema>;
