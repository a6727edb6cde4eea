import type { Call } from '../../src/call.ts';
import type {
  AccountSettings,
  Ask,
  HttpRequest,
  Page,
  Signing,
} from '../../src/providers/provider.ts';

/**
 * What a provider brings to the contract suite, in
 * `test/fixtures/<provider>/fixture.ts`. Beside it stand `original.txt`, the
 * provider's document word for word, and its samples, mended as little as they
 * need to be JSON.
 */
export interface ProviderFixture {
  readonly account: AccountSettings;
  /** The names of the synced dimensions that the mapping may look up: `{hangup_reasons: {'4': '占线'}}`. */
  readonly names?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Requests exactly as they must go out; at least a first and a later page. */
  readonly requests: readonly {
    readonly title: string;
    readonly ask: Ask;
    readonly request: HttpRequest;
    /** Where this request is made with other credentials than the account's. */
    readonly credentials?: unknown;
  }[];
  readonly login?: {
    readonly signing: Signing;
    readonly request: HttpRequest;
    /** Credentials with which nothing has to be fetched. */
    readonly fixedToken: unknown;
    readonly tokens: readonly {
      readonly title: string;
      readonly body: unknown;
      readonly token: string;
    }[];
    readonly faults: ProviderFixture['faults'];
  };
  readonly reach?: {
    readonly maxDays: number;
    /** The oldest instant still served, as seen at some moments. */
    readonly horizons: readonly { readonly now: number; readonly horizon: number | null }[];
  };
  /** Samples (JSON files in the folder) and how they must be read; at least one from the provider's document. */
  readonly pages: readonly {
    readonly file: string;
    readonly ask: Ask;
    readonly total: Page['total'];
    readonly after: Page['after'];
    /** One record for each row, value by value. */
    readonly calls: readonly Call[];
  }[];
  /** Bodies that report a failure, and the code, class and remedy they must become. */
  readonly faults: readonly {
    readonly title: string;
    readonly body: unknown;
    readonly class: string;
    readonly code: string;
    readonly remedy?: string;
  }[];
  /** Rows that cannot be call records, and a part of the reason given. */
  readonly rejected: readonly {
    readonly title: string;
    readonly row: unknown;
    readonly reason: string;
  }[];
}
