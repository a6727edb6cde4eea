import { startSandbox } from '../../src/sandbox/server.ts';
import { MINUTE } from '../../src/time.ts';

/** The five simulated providers in a process of their own, with lists that stand still. */

const sandbox = await startSandbox({ until: Date.now() - 10 * MINUTE, days: 2, callsPerDay: 100 });
process.on('SIGINT', () => undefined);
process.on('disconnect', () => process.exit(0));
process.send?.({ kind: 'ready', accounts: sandbox.accounts });
