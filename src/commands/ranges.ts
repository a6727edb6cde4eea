import { configError } from '../errors.ts';
import { isDay, SECOND, wholeSecond, type ZoneClock } from '../time.ts';

/**
 * The instant that a command line names: a day on the account's wall clock, or
 * a time that carries its offset. Records begin at whole seconds, so a part of a
 * second is rounded up: `--to …T23:59:59.999+08:00` means the whole last second.
 *
 * @throws CdrError of class `config` for anything else.
 */
export function readInstant(option: string, text: string, clock: ZoneClock): number {
  const timed = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  if (isDay(text)) return clock.startOfDay(text);
  if (timed && !Number.isNaN(Date.parse(text))) {
    // By the text: an instant has no parts of a millisecond.
    const begun = /\.\d*[1-9]/.test(text) ? SECOND : 0;
    return wholeSecond(Date.parse(text)) + begun;
  }
  throw configError('usage.time', `${option} ${text} is neither a day nor a time with its offset`);
}
