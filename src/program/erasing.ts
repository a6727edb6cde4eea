import type { Command } from 'commander';
import type { EraseOptions } from '../commands/erase-wish.ts';
import { MINUTE } from '../time.ts';
import { collect, duration, examples, type Wrap } from './values.ts';

/** The command that takes out of the store what it holds of a person. */
export function addErasing(program: Command, wrap: Wrap): void {
  program
    .command('erase')
    .description("overwrite a number, and what names people in its calls, on a person's request")
    .option(
      '--number <number>',
      'in any spelling: with +86, 0086, 86, 0 or without; - reads it from standard input',
    )
    .option('--reason <text>', 'why; kept for ever, without the number')
    .option('--account <id>', 'only this account; may be repeated', collect, [])
    .option('--dry-run', 'count what would be overwritten; write nothing')
    .option('--list', 'what was erased before, when and why')
    .option('--short', 'also a number of three to six digits, such as an extension')
    .option('--in-payload', 'also seven to nine digits that stand in the payload alone')
    .option('--no-rebuild', 'leave unused space of the file as it is, where it holds the number')
    .option('--max-wait <duration>', "wait so long for another process's run", duration, MINUTE)
    .option('--trust-clock', 'take the time of this machine, although nothing was synced for days')
    .addHelpText(
      'after',
      examples(
        'cdrsync erase --number 13800138000 --dry-run',
        'cdrsync erase --number 13800138000 --reason "request of 2026-11-20, ticket 4711"',
        'cdrsync erase --list',
      ),
    )
    .action((options: EraseOptions) =>
      wrap(async (globals, signal) =>
        (await import('../commands/erase.ts')).eraseCommand(globals, options, signal),
      )(),
    );
}
