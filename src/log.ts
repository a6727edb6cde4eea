import pino, { type Logger } from 'pino';
import type { Redactor } from './redact.ts';

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LogOptions {
  readonly level: LogLevel;
  /** Readable lines instead of JSON. */
  readonly pretty: boolean;
  /** The last net under all messages: no secret of the configuration passes. */
  readonly redact: Redactor;
}

/** The log, on stderr: JSON lines, or readable ones on a terminal. */
export async function makeLog({ level, pretty, redact }: LogOptions): Promise<Logger> {
  const out = { write: (line: string) => process.stderr.write(redact(line)) };
  const options = { level, base: null, timestamp: pino.stdTimeFunctions.isoTime };
  if (!pretty) return pino(options, out);
  const { prettyFactory } = await import('pino-pretty');
  const format = prettyFactory({
    colorize: process.stderr.hasColors?.() ?? false,
    translateTime: 'SYS:HH:MM:ss',
    singleLine: true,
  });
  return pino(options, { write: (line: string) => out.write(format(line)) });
}
