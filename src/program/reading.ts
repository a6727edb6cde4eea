import { type Command, Option } from 'commander';
import type { ExportOptions } from '../commands/export.ts';
import type { ReprocessOptions } from '../commands/reprocess.ts';
import type { ShowOptions } from '../commands/show.ts';
import type { StatusOptions } from '../commands/status.ts';
import { changeSeq, collect, examples, upTo, type Wrap } from './values.ts';

/** The commands on what the store holds. */
export function addReading(program: Command, wrap: Wrap): void {
  program
    .command('status')
    .description(
      'how each account stands: watermark, lag, last run, days, holes, quarantine, alarms',
    )
    .option('--check', 'exit 1 when there is an alarm')
    .option('--schema', 'print the JSON Schema of what --json prints')
    .addHelpText('after', examples('cdrsync status', 'cdrsync status --check || mail …'))
    .action((options: StatusOptions) =>
      wrap(async (globals) =>
        (await import('../commands/status.ts')).statusCommand(globals, options),
      )(),
    );

  program
    .command('export')
    .description('the unified records, ordered by started_at, account_id, call_id')
    .option('--account <id>', 'only this account; may be repeated', collect, [])
    .option(
      '--from <time>',
      'started at or after: a day (provider-local) or a time with its offset',
    )
    .option('--to <time>', 'started before')
    .addOption(
      new Option('--format <format>', 'output format')
        .choices(['ndjson', 'csv', 'xlsx'])
        .default('ndjson'),
    )
    .option('--bom', 'begin csv with a byte order mark, without which Excel garbles Chinese')
    .option('--mask', 'mask the numbers, for those who may see the calls and not who called whom')
    .option('--history', 'also what each call was before it changed, the oldest first')
    .option(
      '--changed-since <seq>',
      'only what was written after this change_seq, in its order: for programs that follow',
      changeSeq,
    )
    .option('-o, --output <file>', 'write here instead of stdout')
    .addHelpText(
      'after',
      examples(
        'cdrsync export --from 2026-11-01 --to 2026-12-01 > november.ndjson',
        'cdrsync export --from 2026-11-01 --format xlsx --mask --output november.xlsx',
        'cdrsync export --account okcc-1 | jq .talk_seconds',
        'cdrsync export --changed-since 4711 | tail -n 1 | jq .change_seq',
      ),
    )
    .action((options: ExportOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/export.ts')).exportCommand(globals, options, signal),
      )(),
    );

  program
    .command('show')
    .description('one call with its versions, runs and audits, or the calls of a number')
    .argument('[call-id]', "the call's id, or the provider's number of its record")
    .option('--number <number>', 'the calls that this number made or received, newest first')
    .option('--from <time>', 'with --number: day (provider-local) or time with its offset')
    .option('--to <time>', 'with --number: the day or time after the last')
    .option('--account <id>', 'only this account')
    .option('--limit <n>', 'the most calls shown', upTo(1000), 50)
    .option('--raw', 'also the payloads as received; --json always has them')
    .addHelpText(
      'after',
      examples(
        'cdrsync show 1792033-88211',
        'cdrsync show --number 13800138000 --from 2026-11-01 --to 2026-11-08',
        'cdrsync --json show 1792033-88211 > call.json',
      ),
    )
    .action((callId: string | undefined, options: ShowOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/show.ts')).showCommand(globals, callId, options, signal),
      )(),
    );

  program
    .command('reprocess')
    .description(
      'apply the current mapping to the stored payloads and the quarantine; asks no provider',
    )
    .option('--account <id>', 'only this account; may be repeated', collect, [])
    .option('--dry-run', 'count what would change; write nothing')
    .addHelpText('after', examples('cdrsync reprocess --dry-run', 'cdrsync reprocess'))
    .action((options: ReprocessOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/reprocess.ts')).reprocessCommand(globals, options, signal),
      )(),
    );

  program
    .command('backup')
    .description('copy the store to a new file, also while it is in use, and check the copy')
    .requiredOption('--to <file>', 'a file that does not exist yet')
    .addHelpText('after', examples('cdrsync backup --to /backup/cdrsync-2026-11-20.db'))
    .action((options: { to: string }) =>
      wrap(async (globals) =>
        (await import('../commands/backup.ts')).backupCommand(globals, options),
      )(),
    );
}
