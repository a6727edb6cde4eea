import { instantOf } from '../config/config.ts';
import { configError } from '../errors.ts';
import { isDay, type ZoneClock } from '../time.ts';

/**
 * The instant that a command line names: a day on the account's wall clock, or
 * a time that carries its offset.
 *
 * @throws CdrError of class `config` for anything else.
 */
export function readInstant(option: string, text: string, clock: ZoneClock): number {
  const timed = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text);
  if (isDay(text) || (timed && !Number.isNaN(Date.parse(text)))) return instantOf(text, clock);
  throw configError(
    'usage.time',
    `${option} ${text} is neither a day nor a time with its offset`,
    'Write 2026-10-01, or 2026-10-01T08:00:00+08:00.',
  );
}
