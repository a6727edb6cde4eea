import { z } from 'zod';
import type { World } from './world.ts';

/** What the bench and its servers say to each other. */

const WorldSchema = z.object({
  provider: z.enum(['infin8linx', 'itniotech']),
  from: z.int(),
  days: z.int(),
  calls: z.int(),
  first: z.int(),
}) satisfies z.ZodType<World>;

export const ServerOptions = z.object({
  world: WorldSchema,
  /** Milliseconds from a request to its answer. */
  latency: z.number(),
});
export type ServerOptions = z.infer<typeof ServerOptions>;

export const Ask = z.object({ kind: z.literal('stats') });

/** What was served since it was asked for last. */
export const ServerStats = z.object({
  kind: z.literal('stats'),
  pages: z.int(),
  /** Milliseconds from requests to their answers, together. */
  delayed: z.number(),
  /** CPU milliseconds of the server's process. */
  cpu: z.number(),
});
export type ServerStats = z.infer<typeof ServerStats>;

/** An entry of `accounts` in the configuration. */
export const AccountEntry = z.looseObject({ id: z.string(), baseUrl: z.string() });
export type AccountEntry = z.infer<typeof AccountEntry>;

export const Ready = z.object({ kind: z.literal('ready'), url: z.string() });
export const SandboxReady = z.object({
  kind: z.literal('ready'),
  accounts: z.array(AccountEntry),
});
