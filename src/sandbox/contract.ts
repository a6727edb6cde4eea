import type { IncomingHttpHeaders } from 'node:http';
import type { JsonObject } from '../json.ts';
import type { SandboxAccount } from './config.ts';
import type { FaultKind, Faults } from './faults.ts';
import type { Infin8linxBehaviour } from './infin8linx.ts';
import type { ItniotechBehaviour } from './itniotech.ts';
import type { OkccBehaviour } from './okcc.ts';
import type { UdeskBehaviour } from './udesk.ts';
import type { VosBehaviour } from './vos.ts';
import type { ProviderName } from './wire.ts';

export interface Behaviours {
  readonly infin8linx?: Infin8linxBehaviour;
  readonly itniotech?: ItniotechBehaviour;
  readonly okcc?: OkccBehaviour;
  readonly udesk?: UdeskBehaviour;
  readonly vos?: VosBehaviour;
}

export interface SandboxOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number;
  /** The same seed and first day give the same calls. */
  readonly seed?: number;
  readonly now?: () => number;
  /** The wall clock that the providers speak; Asia/Shanghai by default. */
  readonly zone?: string;
  /** About how many calls on a working day, for each provider; 300 by default. */
  readonly callsPerDay?: number;
  /** How many whole days of calls lie before today; 7 by default. */
  readonly days?: number;
  /** New calls appear as time passes. Otherwise the lists stand still as they were at the start. */
  readonly live?: boolean;
  /** Where lists that stand still end; the instant of the start by default. */
  readonly until?: number;
  /** How far (ms) the providers' clock is ahead of `now`. */
  readonly clockSkew?: number;
  readonly providers?: Behaviours;
}

export interface RequestLog {
  readonly provider: ProviderName;
  readonly operation: string;
  /** By the providers' clock. */
  readonly at: number;
  /** Query, form and body fields, the signatures of the fake logins among them. */
  readonly parameters: JsonObject;
  readonly headers: IncomingHttpHeaders;
  /** Null until a response is sent. */
  readonly status: number | null;
  readonly fault: FaultKind | null;
}

/** The five simulated providers, running. */
export interface Sandbox {
  readonly url: string;
  readonly port: number;
  /** What an account's `baseUrl` must be. */
  readonly urls: Readonly<Record<ProviderName, string>>;
  readonly accounts: readonly SandboxAccount[];
  /** Every request read so far, oldest first. */
  readonly requests: readonly RequestLog[];
  /** The truth: every row the provider lists now, ascending by the time it filters by. */
  rows(provider: ProviderName): JsonObject[];
  /** Lists one more row, in the provider's own words, from now on. */
  insert(provider: ProviderName, row: JsonObject): void;
  /** Removes the listed rows that match, and says how many. */
  remove(provider: ProviderName, matches: (row: JsonObject) => boolean): number;
  /** Overwrites fields of the listed rows that match, where they stand, and says how many. */
  change(provider: ProviderName, matches: (row: JsonObject) => boolean, fields: JsonObject): number;
  /** Replaces the provider's faults; null ends them. */
  setFaults(provider: ProviderName, faults: Faults | null): void;
  setClockSkew(milliseconds: number): void;
  /** What `GET /_sandbox/stats` says. */
  stats(): JsonObject;
  /** Ends every connection and resolves when the port is free. */
  close(): Promise<void>;
}
