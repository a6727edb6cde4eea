import { Command, InvalidArgumentError, Option } from 'commander';
import type { BackfillOptions } from './commands/backfill.ts';
import type { ConfigCheckOptions } from './commands/config-check.ts';
import type { ExportOptions } from './commands/export.ts';
import type { InitOptions } from './commands/init-account.ts';
import type { ReprocessOptions } from './commands/reprocess.ts';
import type { GlobalOptions } from './commands/session.ts';
import type { ShowOptions } from './commands/show.ts';
import type { VerifyOptions } from './commands/verify.ts';
import type { WorkerOptions } from './commands/worker.ts';
import { type Listen, parseListen } from './config/listen.ts';
import { LOG_LEVELS } from './log.ts';
import { DAY, parseDuration } from './time.ts';
import { version } from './version.ts';

/** What a command does; returns the exit code. */
export type Action = (globals: GlobalOptions, signal: AbortSignal) => Promise<number>;

/** The command line: names, options and help. Each command's code is loaded when it is called. */
export function buildProgram(wrap: (run: Action) => () => Promise<void>): Command {
  const program = new Command('cdrsync')
    .description(
      'Keeps a complete, correct copy of the call detail records (CDR, 话单) of your telephony providers.',
    )
    .version(version)
    .option('-c, --config <path>', 'configuration file', 'worker.config.json')
    .option('--json', 'one JSON document on stdout; logs go to stderr')
    .option('-q, --quiet', 'errors only')
    .addOption(new Option('--log-level <level>', 'how much to log').choices(LOG_LEVELS))
    .option(
      '--require-store',
      'fail instead of creating a missing store (or CDRSYNC_REQUIRE_STORE=1)',
    )
    .exitOverride()
    .showHelpAfterError('(see cdrsync --help)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      '\nExit codes: 0 well; 1 some account or day failed or is incomplete; 2 usage or configuration.\n',
    );

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
        (await import('./commands/sync.ts')).syncCommand(globals, options, signal),
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
        (await import('./commands/backfill.ts')).backfillCommand(globals, options, signal),
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
        (await import('./commands/worker.ts')).workerCommand(globals, options, signal),
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
        (await import('./commands/verify.ts')).verifyCommand(globals, options, signal),
      )(),
    );

  program
    .command('status')
    .description(
      'how each account stands: watermark, lag, last run, days, holes, quarantine, alarms',
    )
    .option('--check', 'exit 1 when there is an alarm')
    .addHelpText('after', examples('cdrsync status', 'cdrsync status --check || mail …'))
    .action((options: { check?: boolean }) =>
      wrap(async (globals) =>
        (await import('./commands/status.ts')).statusCommand(globals, options),
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
        (await import('./commands/export.ts')).exportCommand(globals, options, signal),
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
        (await import('./commands/show.ts')).showCommand(globals, callId, options, signal),
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
        (await import('./commands/reprocess.ts')).reprocessCommand(globals, options, signal),
      )(),
    );

  program
    .command('backup')
    .description('copy the store to a new file, also while it is in use, and check the copy')
    .requiredOption('--to <file>', 'a file that does not exist yet')
    .addHelpText('after', examples('cdrsync backup --to /backup/cdrsync-2026-11-20.db'))
    .action((options: { to: string }) =>
      wrap(async (globals) =>
        (await import('./commands/backup.ts')).backupCommand(globals, options),
      )(),
    );

  program
    .command('init')
    .description('write a configuration, or add an account to one; asks for what is missing')
    .option('--provider <name>', 'infin8linx, itniotech, okcc, udesk or vos')
    .option('--id <id>', "the account's name; the provider's by default")
    .option('--base-url <url>', "the provider's address")
    .option('--dir <dir>', 'the folder of worker.config.json (default: that of --config)')
    .option('--time-zone <zone>', "the wall clock of the provider's times")
    .option('--start-at <date>', 'where history begins; yesterday by default')
    .option('--currency <code>', 'of the fees of okcc and vos, such as CNY')
    .option('--set <key=value>', 'of the login, but no secret; may be repeated', collect, [])
    .option(
      '--secret <key=source>',
      'a secret from env:NAME, file:PATH or stdin; may be repeated',
      collect,
      [],
    )
    .addHelpText(
      'after',
      examples(
        'cdrsync init',
        'cdrsync init --provider itniotech --id itnio-hk --base-url https://api.itniotech.com/voice --secret apiKey=env:ITNIO_KEY --secret apiSecret=env:ITNIO_SECRET',
        'pass show okcc | cdrsync init --provider okcc --base-url https://okcc.example.com/openapi/V2.0.6 --set customer=C2 --secret password=stdin',
      ),
    )
    .action((options: InitOptions) =>
      wrap(async (globals, signal) =>
        (await import('./commands/init.ts')).initCommand(globals, options, signal),
      )(),
    );

  const config = program
    .command('config')
    .description('look at the configuration before a worker does')
    .addHelpText(
      'after',
      examples('cdrsync config check', 'cdrsync config schema > worker.config.schema.json'),
    );
  config
    .command('check')
    .description('ask each provider a few things: login, clock, time zone, totals; writes nothing')
    .option('--account <id>', 'only this account; may be repeated', collect, [])
    .option('--offline', 'look at the settings alone; ask nobody')
    .addHelpText(
      'after',
      examples('cdrsync config check', 'cdrsync config check --account itnio-hk --offline'),
    )
    .action((options: ConfigCheckOptions) =>
      wrap(async (globals, signal) =>
        (await import('./commands/config-check.ts')).configCheckCommand(globals, options, signal),
      )(),
    );
  config
    .command('schema')
    .description('the JSON Schema of worker.config.json, for editors')
    .addHelpText('after', examples('cdrsync config schema > worker.config.schema.json'))
    .action(() =>
      wrap(async () => (await import('./commands/config-schema.ts')).configSchemaCommand())(),
    );

  program
    .command('sandbox')
    .description('the five provider APIs, simulated on this machine, with new calls as time passes')
    .option('--port <n>', 'port on 127.0.0.1', port, 8790)
    .option('--write-config <path>', 'where to write a ready configuration', 'sandbox.config.json')
    .option('--latency <duration>', 'delay every answer, such as 50ms', duration)
    .option('--fault-rate <share>', 'let this share of the requests fail, such as 0.2', share)
    .addHelpText('after', examples('cdrsync sandbox', 'cdrsync --config sandbox.config.json sync'))
    .action(
      (options: { port: number; writeConfig: string; latency?: number; faultRate?: number }) =>
        wrap(async (globals, signal) =>
          (await import('./commands/sandbox.ts')).sandboxCommand(globals, options, signal),
        )(),
    );

  program
    .command('demo')
    .description(
      'see it work: sandbox, a first sync of all five, a killed one resumed, a second pass',
    )
    .option('--keep <dir>', 'keep store and configuration in this folder')
    .addHelpText('after', examples('cdrsync demo', 'cdrsync demo --keep ./demo'))
    .action((options: { keep?: string }) =>
      wrap(async (globals, signal) =>
        (await import('./commands/demo.ts')).demoCommand(globals, options, signal),
      )(),
    );
  return program;
}

function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}\n`;
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function duration(text: string): number {
  const value = parseDuration(text);
  if (value === null)
    throw new InvalidArgumentError('Give a duration such as 500ms, 90s, 5m, 2h or 1d.');
  if (value > 24 * DAY) throw new InvalidArgumentError('Give at most 24d.');
  return value;
}

function atLeastOne(text: string): number {
  return upTo(64)(text);
}

function upTo(most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value >= 1 && value <= most) return value;
    throw new InvalidArgumentError(`Give a whole number from 1 to ${most}.`);
  };
}

function changeSeq(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError('Give the change_seq of a record, or 0 for all.');
}

function listen(text: string): Listen {
  const value = parseListen(text);
  if (value !== null) return value;
  throw new InvalidArgumentError('Give HOST:PORT such as 127.0.0.1:8787; port 0 takes a free one.');
}

function port(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 0 && value <= 65535) return value;
  throw new InvalidArgumentError('Give a port from 0 to 65535.');
}

function share(text: string): number {
  const value = Number(text);
  if (value >= 0 && value < 1) return value;
  throw new InvalidArgumentError('Give a number from 0 to below 1.');
}
