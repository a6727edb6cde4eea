import SQLite from 'better-sqlite3';
import { noteAtExit } from './note.ts';

/**
 * Loaded into a binary with `--import`: notes the statements that it prepared,
 * and how long SQLite was at work for it. Iterated statements are noted, their
 * time is not counted: it is that of whoever takes the rows.
 */
const statements = new Map<string, { runs: number; ms: number }>();
const { prepare } = SQLite.prototype;

// Set by reflection: the types of the driver know no replaced method.
Reflect.set(SQLite.prototype, 'prepare', function (this: SQLite.Database, text: string) {
  const started = performance.now();
  const statement = prepare.call(this, text);
  const seen = statements.get(text) ?? { runs: 0, ms: 0 };
  statements.set(text, seen);
  seen.ms += performance.now() - started;
  for (const name of ['run', 'all', 'get'] as const) {
    const method = statement[name];
    Reflect.set(statement, name, (...values: unknown[]) => {
      const begun = performance.now();
      try {
        const result: unknown = Reflect.apply(method, statement, values);
        return result;
      } finally {
        seen.ms += performance.now() - begun;
        seen.runs += 1;
      }
    });
  }
  return statement;
});

noteAtExit(() => [...statements].map(([text, { runs, ms }]) => ({ text, runs, ms })));
