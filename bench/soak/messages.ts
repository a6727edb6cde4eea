import { z } from 'zod';

/** What the soak and the process of the simulated providers say to each other. */

export const Ask = z.object({
  id: z.int(),
  /** `freeze` stops the providers' clock: from then on nothing new is listed. */
  kind: z.enum(['counts', 'freeze', 'rows']),
});
export type Ask = z.infer<typeof Ask>;

/** An entry of `accounts` in the configuration. */
export const Entry = z.looseObject({ id: z.string(), baseUrl: z.string() });
export type Entry = z.infer<typeof Entry>;

export const Counts = z.object({
  requests: z.int(),
  /** Requests of an account that came while another process had one of it under way. */
  clashes: z.int(),
  examples: z.array(z.string()),
});
export type Counts = z.infer<typeof Counts>;

export const Row = z.object({
  account: z.string(),
  /** The instant by which the provider lists it. */
  at: z.int(),
  raw: z.string(),
});
export type Row = z.infer<typeof Row>;

export const Frozen = z.object({ at: z.int() });

export const Tell = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('ready'), accounts: z.array(Entry) }),
  z.object({ kind: z.literal('answer'), id: z.int(), answer: z.unknown() }),
]);

/** The links to recordings are signed anew with each listing. */
export function withoutSignature(raw: string): string {
  return raw.replaceAll(/\?sign=[0-9a-f]+/g, '');
}
