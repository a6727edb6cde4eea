import pg from 'pg';
import { noteAtExit } from './note.ts';

/**
 * Loaded into a binary with `--import`: notes the statements that it sent to
 * PostgreSQL, the values that each had first, and how long it waited for the
 * answers. Cursors are noted, their time is not counted: it is that of whoever
 * takes the rows.
 */
interface Seen {
  readonly values: readonly unknown[];
  runs: number;
  ms: number;
}

const statements = new Map<string, Seen>();
const { query } = pg.Client.prototype;

// Set by reflection: the types of the driver know no replaced method.
Reflect.set(pg.Client.prototype, 'query', function (this: pg.Client, ...asked: unknown[]) {
  const { text, values } = statementOf(asked);
  const seen = statements.get(text) ?? { values, runs: 0, ms: 0 };
  statements.set(text, seen);
  const started = performance.now();
  const answer: unknown = Reflect.apply(query, this, asked);
  const note = (): void => {
    seen.ms += performance.now() - started;
    seen.runs += 1;
  };
  if (answer instanceof Promise) answer.then(note, note);
  return answer;
});

/** As a text, as an object that has one, or as a cursor, which keeps its values to itself in parts. */
function statementOf([first, second]: readonly unknown[]): {
  readonly text: string;
  readonly values: readonly unknown[];
} {
  if (typeof first === 'string') return { text: first, values: listOf(second) };
  if (typeof first !== 'object' || first === null || !('text' in first)) {
    return { text: '', values: [] };
  }
  const values = 'values' in first ? first.values : second;
  return { text: String(first.text), values: listOf(values) };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

noteAtExit(() =>
  [...statements].map(([text, { values, runs, ms }]) => ({
    ...{ text, runs, ms },
    // The values of a page that is written are none that a plan depends on.
    values: /^\s*insert/i.test(text) ? [] : values,
  })),
);
