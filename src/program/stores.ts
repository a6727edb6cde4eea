import type { Command } from 'commander';
import type { StoreCopyOptions } from '../commands/store-copy.ts';
import { examples, type Wrap } from './values.ts';

/** The commands on stores as wholes. */
export function addStores(program: Command, wrap: Wrap): void {
  const store = program
    .command('store')
    .description('move the store from one database to another')
    .addHelpText('after', examples('cdrsync store copy --to postgres://cdrsync@db/cdr'));
  store
    .command('copy')
    .description('make an empty store equal to another one, and compare both; resumable')
    .option('--from <url>', 'sqlite:PATH or postgres://…; "store" in the configuration by default')
    .option('--to <url>', 'the same; a new store, or a copy that was stopped')
    .option('--verify-only', 'compare two stores that are there; write nothing')
    .addHelpText(
      'after',
      `${examples(
        'cdrsync store copy --to postgres://cdrsync@db.example.com/cdr',
        'cdrsync store copy --from postgres://cdrsync@db/cdr --to sqlite:./copy.db',
        'cdrsync store copy --to sqlite:./copy.db --verify-only',
      )}
A password in the URL is seen in the list of processes: PGPASSWORD or ~/.pgpass keep it out.
`,
    )
    .action((options: StoreCopyOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/store-copy.ts')).storeCopyCommand(globals, options, signal),
      )(),
    );
}
