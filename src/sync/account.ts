import type { HttpSettings } from '../providers/http.ts';
import type { Connector } from '../providers/provider.ts';
import type { Redactor } from '../redact.ts';
import type { RoomCheck } from '../store/disk.ts';
import type { Store } from '../store/store.ts';
import type { RequestSeen } from './client.ts';
import type { Progress, SyncSettings } from './context.ts';
import type { Log } from './log.ts';
import type { WindowRules } from './windows.ts';

/** An account as the engine gets it from the configuration. */
export interface SyncAccount {
  readonly settings: SyncSettings;
  readonly connector: Connector;
  readonly rules: WindowRules;
  readonly http: HttpSettings;
  readonly minInterval: number;
  /** Everything that the login is made of: with another one a refusal no longer stands. Secret. */
  readonly login: string;
}

/** What all accounts of a command share. */
export interface Surroundings {
  readonly store: Store;
  /** Asked before each request to a provider: what is fetched must find room. */
  readonly room: RoomCheck;
  readonly log: Log;
  readonly redact: Redactor;
  /** Aborted when everything has to stop at the next page boundary. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
  readonly onRequest?: (request: RequestSeen) => void;
}
