import { Command, Option } from 'commander';
import { LOG_LEVELS } from '../log.ts';
import { printable } from '../redact.ts';
import { version } from '../version.ts';
import { addErasing } from './erasing.ts';
import { addReading } from './reading.ts';
import { addSetup } from './setup.ts';
import { addStores } from './stores.ts';
import type { Wrap } from './values.ts';
import { addWalking } from './walking.ts';

/** The command line: names, options and help. Each command's code is loaded when it is called. */
export function buildProgram(wrap: Wrap): Command {
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
    .configureOutput({ writeErr: (text) => process.stderr.write(printable(withoutLogins(text))) })
    .showHelpAfterError('(see cdrsync --help)')
    .configureHelp({ showGlobalOptions: true })
    .addHelpText(
      'after',
      '\nExit codes: 0 well; 1 some account or day failed or is incomplete; 2 usage or configuration.\n',
    );
  addWalking(program, wrap);
  addReading(program, wrap);
  addErasing(program, wrap);
  addStores(program, wrap);
  addSetup(program, wrap);
  return program;
}

/** What was mistyped is repeated, and may be the URL of a store. */
function withoutLogins(text: string): string {
  return text.replaceAll(/(\/\/)[^\s/@]*:[^\s@]*@/g, '$1…@');
}
