import { CdrError } from '../errors.ts';
import type { Ask, Page } from '../providers/provider.ts';
import type { PendingWindow } from '../store/windows.ts';
import type { Span } from '../time.ts';
import type { AskOptions } from './client.ts';
import type { RunContext } from './context.ts';

export interface AskedPage {
  readonly page: Page;
  readonly ask: Ask;
  /** The provider's clock by the answer; null where it told none. */
  readonly date: number | null;
  /** By our clock, when it was asked for and when the answer was there. */
  readonly askedAt: number;
  readonly heardAt: number;
}

export type AskedSpan = Pick<PendingWindow, 'from_at' | 'to_at' | 'cursor'>;

/** Who asks: a run, or a check, which has no store. */
export type Asker = Pick<RunContext, 'client' | 'connector'> & {
  readonly settings: Pick<RunContext['settings'], 'id'>;
};

/** Asks for one page of a window at its cursor. */
export async function askPage(
  { client, connector, settings }: Asker,
  window: AskedSpan,
  options?: AskOptions,
): Promise<AskedPage> {
  const askedAt = Date.now();
  const span: Span = { from: window.from_at, to: window.to_at };
  let ask: Ask = { ...span, cursor: window.cursor, signing: { now: 0, nonce: '', token: null } };
  const { value, date, heardAt } = await client
    .ask<Page>(
      {
        request: (signing) => {
          ask = { ...ask, signing };
          return connector.request(ask);
        },
        read: (body) => connector.read(body, ask),
      },
      options,
    )
    .catch((error: unknown) => {
      throw error instanceof CdrError
        ? error.within({ account: settings.id, window: spanText(span) })
        : error;
    });
  return { page: value, ask, date, askedAt, heardAt };
}

export function spanText({ from, to }: Span): string {
  return `${new Date(from).toISOString().slice(0, 19)}Z/${new Date(to).toISOString().slice(0, 19)}Z`;
}
