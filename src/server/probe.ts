import { reasonOf } from '../reason.ts';
import type { Log } from '../sync/log.ts';

/** How an asking went. `overdue`: there is no answer yet, and it is not waited for any longer. */
export type Outcome<Value> =
  | { readonly kind: 'ok'; readonly value: Value }
  /** `code`: stable, dotted; `internal` for what has none. */
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'overdue' };

/**
 * Bounds a call that may fail or hang. Whoever asks while a call is under way
 * shares it, so that one that hangs for hours gathers nothing; after `limit`
 * milliseconds it counts as overdue, at once for those who come later.
 *
 * @param name of what is asked for, in the log. The log is told when it begins to fail and when it
 * is well again, not at each asking.
 */
export function makeProbe<Value>(
  name: string,
  call: () => Promise<Value>,
  limit: number,
  log: Log,
): () => Promise<Outcome<Value>> {
  let pending: Promise<Outcome<Value>> | null = null;
  let well = true;

  const tellTrouble = (trouble: object): void => {
    if (well) log.warn({ probe: name, ...trouble }, `${name} cannot be used`);
    well = false;
  };
  const answer = async (): Promise<Outcome<Value>> => {
    try {
      const value = await call();
      if (!well) log.info({ probe: name }, `${name} can be used again`);
      well = true;
      return { kind: 'ok', value };
    } catch (error) {
      const reason = reasonOf(error);
      tellTrouble(reason);
      return { kind: 'failed', code: reason.code };
    }
  };
  const bounded = (): Promise<Outcome<Value>> =>
    new Promise((resolve) => {
      const timer = setTimeout(() => {
        tellTrouble({ reason: `no answer within ${limit} ms` });
        resolve({ kind: 'overdue' });
      }, limit);
      // It must not keep a process alive whose server was closed.
      timer.unref();
      void answer().then((outcome) => {
        clearTimeout(timer);
        pending = null;
        resolve(outcome);
      });
    });

  return () => {
    pending ??= bounded();
    return pending;
  };
}
