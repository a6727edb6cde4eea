import type { Command } from 'commander';
import type { BackfillOptions } from '../commands/backfill.ts';
import type { VerifyOptions } from '../commands/verify.ts';
import type { WorkerOptions } from '../commands/worker.ts';
import { atLeastOne, collect, duration, examples, listen, type Wrap } from './values.ts';

/** The commands that ask providers for calls. */
export function addWalking(program: Command, wrap: Wrap): void {
  program
    .command('sync')
    .description('catch every account up to now, then exit: for cron')
    .option('--account <id>', 'only this account; may be repeated', collect, [])
    .option('--max-time <duration>', 'stop at the next page after this time, such as 10m', duration)
    .addHelpText(
      'after',
      examples(
        'cdrsync sync',
        'cdrsync sync --account itnio-hk --max-time 10m',
        'cdrsync --json sync > run.json',
      ),
    )
    .action((options: { account: string[]; maxTime?: number }) =>
      wrap(async (globals, signal) =>
        (await import('../commands/sync.ts')).syncCommand(globals, options, signal),
      )(),
    );

  program
    .command('backfill')
    .description('walk a past range of one account; the same command goes on where it was stopped')
    .requiredOption('--account <id>', 'the account')
    .requiredOption('--from <date>', 'first day (provider-local) or time with its offset')
    .requiredOption('--to <date>', 'the day or time after the last: ranges are half-open')
    .option('--concurrency <n>', 'windows walked at the same time', atLeastOne, 1)
    .option('--dry-run', 'print the windows and what is out of reach; ask for nothing')
    .option('--queue', 'hand it to the running workers, behind their polls and audits')
    .addHelpText(
      'after',
      examples(
        'cdrsync backfill --account itnio-hk --from 2026-10-01 --to 2026-11-01 --dry-run',
        'cdrsync backfill --account okcc-1 --from 2026-10-01 --to 2026-11-01 --concurrency 4',
      ),
    )
    .action((options: BackfillOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/backfill.ts')).backfillCommand(globals, options, signal),
      )(),
    );

  program
    .command('worker')
    .description('poll and audit every account until it is stopped; health and metrics over HTTP')
    .option(
      '--concurrency <n>',
      'accounts polled at the same time (default: all, up to 50)',
      atLeastOne,
    )
    .option('--listen <host:port>', 'instead of "listen" in the configuration', listen)
    .addHelpText(
      'after',
      examples('cdrsync worker', 'cdrsync worker --listen 127.0.0.1:0 --log-level debug'),
    )
    .action((options: WorkerOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/worker.ts')).workerCommand(globals, options, signal),
      )(),
    );

  program
    .command('verify')
    .description('audit closed days against the provider: those that are due, or those of a range')
    .option('--account <id>', 'only this account; may be repeated', collect, [])
    .option('--from <date>', 'first day (provider-local)')
    .option('--to <date>', 'the day after the last')
    .option('--accept <day>', 'close this day as it is')
    .option('--reason <text>', 'why, with --accept; shown for ever')
    .option(
      '--explain <day>',
      "why our number of this day differs from the provider's; asks nobody",
    )
    .addHelpText(
      'after',
      examples(
        'cdrsync verify',
        'cdrsync verify --account itnio-hk --from 2026-11-01 --to 2026-11-08',
        'cdrsync verify --account itnio-hk --explain 2026-11-18',
        'cdrsync verify --account itnio-hk --accept 2026-09-01 --reason "out of reach, confirmed in ticket 4711"',
      ),
    )
    .action((options: VerifyOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/verify.ts')).verifyCommand(globals, options, signal),
      )(),
    );
}
