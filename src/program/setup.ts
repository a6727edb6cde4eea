import type { Command } from 'commander';
import type { ConfigCheckOptions } from '../commands/config-check.ts';
import type { InitOptions } from '../commands/init-account.ts';
import { collect, duration, examples, port, share, type Wrap } from './values.ts';

/** The commands that set up, check, and show how it works. */
export function addSetup(program: Command, wrap: Wrap): void {
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
        (await import('../commands/init.ts')).initCommand(globals, options, signal),
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
        (await import('../commands/config-check.ts')).configCheckCommand(globals, options, signal),
      )(),
    );
  config
    .command('schema')
    .description('the JSON Schema of worker.config.json, for editors')
    .addHelpText('after', examples('cdrsync config schema > worker.config.schema.json'))
    .action(() =>
      wrap(async () => (await import('../commands/config-schema.ts')).configSchemaCommand())(),
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
          (await import('../commands/sandbox.ts')).sandboxCommand(globals, options, signal),
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
        (await import('../commands/demo.ts')).demoCommand(globals, options, signal),
      )(),
    );
}
