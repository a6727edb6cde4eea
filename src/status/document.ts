import { z } from 'zod';
import { ALARM_CODES } from './alarm-codes.ts';

/**
 * What `status --json` prints and the worker's `/status` answers. The types are
 * made of this, and so is status.schema.json (json-schema.ts). Fields may be
 * added, never renamed; what changes the meaning of one raises `format`.
 */

const instant = z.string().meta({ format: 'date-time', description: 'ISO 8601 UTC.' });
const day = z.string().meta({ pattern: '^\\d{4}-\\d{2}-\\d{2}$', description: 'Provider-local.' });
const natural = z.int().nonnegative();

const alarm = z.strictObject({
  code: z.enum(ALARM_CODES),
  message: z.string().meta({ description: 'What is wrong, in words.' }),
  hint: z.string().meta({ description: 'What mends it; commands stand in backticks.' }),
  since: instant.nullable().meta({ description: 'Null where nothing tells when it began.' }),
  day: day.nullable().meta({ description: 'The oldest day that it is about; null without one.' }),
  error: z
    .string()
    .nullable()
    .meta({ description: 'The stable code of the error behind it, where there is one.' }),
});

const runError = z.looseObject({
  code: z.string(),
  class: z.string(),
  message: z.string(),
  hint: z.string(),
});

const run = z.strictObject({
  trigger: z.string(),
  started_at: instant,
  ended_at: instant.nullable().meta({ description: 'Null while it runs, or when it was killed.' }),
  state: z
    .string()
    .nullable()
    .meta({ description: 'ok, incomplete, failed or stopped; null without an end.' }),
  windows: natural,
  requests: natural,
  fetched: natural,
  inserted: natural,
  changed: natural,
  error: runError.nullable(),
});

const hole = z.strictObject({
  from: instant,
  to: instant,
  reason: z.string(),
  since: instant,
  attempts: natural,
  next_try_at: instant,
});

const pause = z.strictObject({
  since: instant,
  until: instant,
  refusals: natural.meta({ description: 'Runs in a row that the provider refused.' }),
});

const backfill = z.strictObject({
  from: instant,
  to: instant,
  requested_at: instant,
  finished_at: instant.nullable().meta({ description: 'Null while it is to be done.' }),
  state: z.string().nullable().meta({ description: 'How its last run ended; null before.' }),
  windows: natural.meta({
    description: 'Planned when it was asked for; busy days are split further.',
  }),
  windows_left: natural
    .nullable()
    .meta({ description: 'Still to walk; null before its first run has planned them.' }),
});

const account = z.strictObject({
  account: z.string(),
  provider: z.string(),
  time_zone: z.string().meta({ description: 'By which its days are cut.' }),
  watermark: instant.nullable().meta({
    description: 'Everything before it was walked, except the holes; null before the first run.',
  }),
  lag_seconds: natural.nullable(),
  clock_skew_seconds: z.int().nullable().meta({ description: "The provider's clock minus ours." }),
  running: z.boolean().meta({ description: 'Some process walks it now.' }),
  first_sync: z.boolean().meta({ description: 'It never caught up so far.' }),
  last_run: run.nullable(),
  failing: z.strictObject({ since: instant, runs: natural }).nullable().meta({
    description: 'Polls in a row that failed, up to the last one; null where that was well.',
  }),
  next_poll: instant.nullable(),
  pending_windows: natural,
  days: z.record(z.string(), natural).meta({ description: 'How many, by state.' }),
  days_in_question: natural.meta({ description: 'incomplete, mismatch or unreachable.' }),
  holes: z.array(hole),
  quarantine: natural,
  accepted: z
    .array(z.strictObject({ day, reason: z.string() }))
    .meta({ description: 'Days that a person closed as they are, shown for ever.' }),
  lateness: z
    .strictObject({ calls: natural, latest_seconds: natural.nullable() })
    .meta({ description: 'Calls that only an audit found, and how late the latest was listed.' }),
  pause: pause.nullable().meta({
    description: 'While the provider refuses the login, only who names the account has it asked.',
  }),
  retention_seconds: natural.nullable().meta({
    description: 'How long its calls keep numbers, names and payload; null for ever.',
  }),
  retention_state: z.enum(['off', 'announced', 'in_force']).meta({
    description: 'A first or a shorter one is announced for 24 hours before it overwrites.',
  }),
  retention_from: instant.nullable().meta({
    description: 'When an announced one overwrites; null before the poll that announces it.',
  }),
  backfills: z
    .array(backfill)
    .meta({ description: 'Handed to the workers, and not done, or done within 24 hours.' }),
  alarms: z.array(alarm),
});

const disk = z.strictObject({
  free_bytes: natural.nullable().meta({ description: 'Null where the system does not tell.' }),
  reserve_bytes: natural.meta({ description: 'With less than that free, nothing is fetched.' }),
  growth_bytes_per_day: natural.nullable().meta({
    description: 'By the calls of the last seven days; null with less than a day of them.',
  }),
  days_left: natural
    .nullable()
    .meta({ description: 'Until only the reserve is free; null where it is not known, or never.' }),
});

const store = z.strictObject({
  path: z.string(),
  bytes: natural
    .nullable()
    .meta({ description: 'With its journal; null where there is none yet.' }),
  disk,
  alarms: z.array(alarm),
});

export const statusDocument = z.strictObject({
  format: z.literal(1),
  generated_at: instant,
  store,
  accounts: z.array(account).meta({ description: 'In the order of the configuration.' }),
});

export type StatusDocument = z.infer<typeof statusDocument>;
export type AccountStatus = z.infer<typeof account>;
export type StoreStatus = z.infer<typeof store>;
/** Something that a person should see to. */
export type Alarm = z.infer<typeof alarm>;
export type RunStatus = z.infer<typeof run>;
export type PauseStatus = z.infer<typeof pause>;
export type BackfillStatus = z.infer<typeof backfill>;
