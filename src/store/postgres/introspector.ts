import {
  type DatabaseIntrospector,
  type Kysely,
  type SchemaMetadata,
  sql,
  type TableMetadata,
} from 'kysely';

/**
 * Kysely's own looks at every column of every schema, by functions that fail
 * where another program drops a table meanwhile. Ours is one schema, and which
 * tables it has is all that is asked.
 */
export class SchemaIntrospector implements DatabaseIntrospector {
  readonly #db: Kysely<unknown>;
  readonly #schema: string;

  constructor(db: Kysely<unknown>, schema: string) {
    this.#db = db;
    this.#schema = schema;
  }

  async getSchemas(): Promise<SchemaMetadata[]> {
    const { rows } = await sql<SchemaMetadata>`
      select nspname as name from pg_namespace where nspname = ${this.#schema}`.execute(this.#db);
    return [...rows];
  }

  /** With Kysely's internal tables, and without columns. */
  async getTables(): Promise<TableMetadata[]> {
    const { rows } = await sql<{ readonly name: string; readonly kind: string }>`
      select c.relname as name, c.relkind as kind
      from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname = ${this.#schema} and c.relkind in ('r', 'v', 'p', 'f')
      order by c.relname`.execute(this.#db);
    return rows.map(({ name, kind }) => ({
      ...{ name, schema: this.#schema, columns: [] },
      ...{ isView: kind === 'v', isForeign: kind === 'f' },
    }));
  }
}
