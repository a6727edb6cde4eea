import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { CdrError } from '../src/errors.ts';
import { acquireLease, fenced, isHeld, type Lease, releaseLease } from '../src/store/leases.ts';
import { writeMeta } from '../src/store/meta.ts';
import { openStore, openStoreToRead, type Store, transact } from '../src/store/store.ts';
import { toStoreError } from '../src/store/trouble.ts';
import { openRelay, openTlsRelay } from './support/relay.ts';
import { type OwnSchema, ownSchema, SERVER } from './support/schema.ts';
import { describeServer } from './support/services.ts';

// What a server and the way to it may do to a transaction: real connections, broken on the way.

const TLS = join(import.meta.dirname, 'fixtures/tls');

async function behindRelay() {
  const schema = await ownSchema();
  const relay = await openRelay(SERVER.hostname, Number(SERVER.port || 5432));
  return { schema, relay, store: await schema.open(relay.port) };
}

async function leaseOf(store: Store, account = 'a'): Promise<Lease> {
  const result = await acquireLease(store, account);
  if (result.kind === 'taken') throw new Error(`held by ${result.by}`);
  return result.lease;
}

/** Adds a row that exists twice if its transaction was carried out twice. */
function note(store: Store, lease: Lease, day: string): Promise<number> {
  return fenced(store, lease, async (trx) => {
    const values = { account_id: lease.accountId, dimension: 'd', id: day, name: '', raw: '' };
    const { rows } = await sql<{ n: number }>`
      insert into dimensions (account_id, dimension, id, name, raw, seen_at)
      values (${values.account_id}, ${values.dimension}, ${day} || (select count(*) from dimensions), '', '', 0)
      returning (select count(*) from dimensions) as n`.execute(trx);
    return rows[0]?.n ?? -1;
  });
}

async function notes({ ask }: OwnSchema): Promise<number> {
  const [row] = await ask('select count(*)::int as n from dimensions');
  return Number(row?.['n']);
}

async function writes({ ask }: OwnSchema): Promise<number> {
  const [row] = await ask("select writes::int as n from leases where account_id = 'a'");
  return Number(row?.['n']);
}

describeServer('postgres', () => {
  it('takes place once where the answer to its commit is lost', async () => {
    const { schema, relay, store } = await behindRelay();
    const lease = await leaseOf(store);
    relay.trap({ words: 'commit', how: 'unanswered' });
    expect(await note(store, lease, 'x')).toBe(0);
    expect([await notes(schema), await writes(schema)]).toEqual([1, 1]);
  });

  it.each(['commit', 'insert into dimensions', 'update "leases"', 'start transaction'])(
    'takes place once where the connection breaks before "%s" arrives',
    async (words) => {
      const { schema, relay, store } = await behindRelay();
      const lease = await leaseOf(store);
      relay.trap({ words, how: 'lost' });
      expect(await note(store, lease, 'x')).toBe(0);
      expect([await notes(schema), await writes(schema)]).toEqual([1, 1]);
    },
  );

  it('waits for a server that is away, and goes on where it was', async () => {
    const { schema, relay, store } = await behindRelay();
    const lease = await leaseOf(store);
    relay.close();
    const working = [note(store, lease, 'x'), isHeld(store, 'a'), note(store, lease, 'y')];
    await sleep(1500);
    expect(await notes(schema)).toBe(0);
    relay.open();
    expect(await Promise.all(working)).toEqual([expect.any(Number), true, expect.any(Number)]);
    expect([await notes(schema), await writes(schema)]).toEqual([2, 2]);
  });

  it('reads on where the connection breaks between two reads, or in one', async () => {
    const { relay, store } = await behindRelay();
    await leaseOf(store);
    for (const breakIt of [relay.cut, () => relay.trap({ words: 'leases', how: 'unanswered' })]) {
      breakIt();
      expect(await isHeld(store, 'a')).toBe(true);
    }
  });

  it('reads on where all connections break at once', async () => {
    const { relay, store } = await behindRelay();
    const read = () =>
      store.db
        .selectFrom('meta')
        .select(sql<string>`pg_sleep(0.4)::text`.as('slept'))
        .where('name', '=', 'store_id')
        .execute();
    // As many as the pool has.
    const reading = Promise.all([read(), read(), read(), read()]);
    await sleep(250);
    relay.cut();
    expect(await reading).toHaveLength(4);
  });

  it('says what is wrong where nobody answers, without the password', async () => {
    const { schema, relay } = await behindRelay();
    relay.close();
    const url = new URL(schema.url(relay.port));
    url.password = 'se%20cret';
    const failure: unknown = await openStoreToRead(url.href).catch((error: unknown) => error);
    if (!(failure instanceof CdrError)) throw failure;
    expect(failure.fault.code).toBe('store.unreachable');
    expect(failure.message).toContain(`127.0.0.1:${relay.port}`);
    expect(failure.message).not.toMatch(/se.*cret/);
  });

  it.each([
    [
      'a database that is not there',
      (url: URL) => (url.pathname = '/no_such_database'),
      'there is no such database',
    ],
    [
      'a user that is not there',
      (url: URL) => (url.username = 'no_such_user'),
      'refuses this user',
    ],
  ])('refuses %s as a matter of the configuration', async (_what, spoil, words) => {
    const url = new URL((await ownSchema()).url());
    spoil(url);
    const opening = openStore({ url: url.href, mustExist: false, onEvent: () => undefined });
    const failure: unknown = await opening.catch((error: unknown) => error);
    if (!(failure instanceof CdrError)) throw failure;
    expect([failure.fault.code, failure.fault.class]).toEqual(['store.refused', 'config']);
    expect(failure.message).toContain(words);
  });

  it('believes the certificate that it is told to, of the host that it is for, and no other', async () => {
    const schema = await ownSchema();
    const [cert, key] = ['cert.pem', 'key.pem'].map((name) => join(TLS, name));
    if (cert === undefined || key === undefined) throw new Error('no certificate');
    const identity = { cert: readFileSync(cert), key: readFileSync(key) };
    const port = await openTlsRelay(SERVER.hostname, Number(SERVER.port || 5432), identity);
    const open = async (host: string, parameters: Record<string, string>): Promise<string> => {
      const url = new URL(schema.url(port));
      url.hostname = host;
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      try {
        await (await openStoreToRead(url.href))?.close();
        return 'opened';
      } catch (error) {
        return error instanceof CdrError ? error.fault.code : String(error);
      }
    };
    const verified = { sslmode: 'verify-full', sslrootcert: cert };
    expect(await open('localhost', verified)).toBe('opened');
    expect(await open('localhost', { sslmode: 'require' })).toBe('store.refused');
    expect(await open('127.0.0.1', verified)).toBe('store.refused');
    expect(await open('localhost', { ...verified, sslrootcert: `${cert}.gone` })).toBe(
      'store.refused',
    );
    // Nothing is sent in clear to a server that wants TLS.
    expect(await open('localhost', {})).toBe('store.unreachable');
  });

  it('outlives a connection that the server ends as soon as it is made', async () => {
    const { schema, relay, store } = await behindRelay();
    const lease = await leaseOf(store);
    relay.cut();
    relay.trap({ words: 'application_name', how: 'ended' });
    expect(await note(store, lease, 'x')).toBe(0);
    expect([await notes(schema), await writes(schema)]).toEqual([1, 1]);
  });

  it('tries transactions again that lock each other out', async () => {
    const schema = await ownSchema();
    const store = await schema.open();
    await writeMeta(store, 'one', '');
    await writeMeta(store, 'two', '');
    let attempts = 0;
    let locked = 0;
    const both = ['one two', 'two one'].map((order) =>
      transact(store, async (trx) => {
        attempts += 1;
        for (const name of order.split(' ')) {
          await trx
            .updateTable('meta')
            .set((eb) => ({ value: sql<string>`${eb.ref('value')} || ${order[1] ?? ''}` }))
            .where('name', '=', name)
            .execute();
          // Each has one before either asks for the other.
          locked += 1;
          while (locked < 2) await sleep(5);
        }
      }),
    );
    await Promise.all(both);
    expect(attempts).toBeGreaterThan(2);
    const rows = await schema.ask("select value from meta where name in ('one', 'two')");
    // Each was appended to by both, once.
    expect(rows.map(({ value }) => String(value).length)).toEqual([2, 2]);
  });

  it('lets nobody commit whose account was taken over while it stood still', async () => {
    const schema = await ownSchema();
    const [mine, other] = [await schema.open(), await schema.open()];
    const lease = await leaseOf(mine);
    const stalled = fenced(mine, lease, async (trx) => {
      // As a process that is stopped: the server ends the session, and with it the hold on the fence.
      await sql`set local idle_in_transaction_session_timeout = '200ms'`.execute(trx);
      await sleep(600);
      await trx.deleteFrom('meta').execute();
    });
    const outcome = stalled.catch((error: unknown) => error);
    await sleep(100);
    await schema.ask('update leases set heartbeat_at = 0, holder = null');
    const theirs = await leaseOf(other);
    const failure = toStoreError(await outcome);
    expect(failure instanceof CdrError && failure.fault.code).toBe('lease.lost');
    expect(await schema.ask('select count(*)::int as n from meta')).not.toEqual([{ n: 0 }]);
    await fenced(other, theirs, async () => undefined);
  });

  it('gives a lease to one of many that ask at once, each time', async () => {
    const schema = await ownSchema();
    const stores = await Promise.all(Array.from({ length: 6 }, () => schema.open()));
    let epoch = 0;
    for (let round = 0; round < 5; round += 1) {
      const results = await Promise.all(stores.map((store) => acquireLease(store, 'a')));
      const held = results.flatMap((result) => (result.kind === 'held' ? [result.lease] : []));
      expect(held).toHaveLength(1);
      for (const lease of held) {
        expect(lease.epoch).toBeGreaterThan(epoch);
        epoch = lease.epoch;
        await releaseLease(stores[0] ?? expect.fail(), lease);
      }
    }
  });

  it('goes by the clock of the database, not by this machine’s', async () => {
    const schema = await ownSchema();
    const store = await schema.open();
    await leaseOf(store);
    // Another process, of another machine, whose heartbeat the database dates.
    const other = { host: 'elsewhere', boot: '', pidNamespace: '', pid: 1, startedAt: '' };
    const at = '(extract(epoch from clock_timestamp()) * 1000)::bigint';
    const beat = (age: number) =>
      schema.ask(`update leases set holder = $1, heartbeat_at = ${at} - ${age}`, [
        JSON.stringify(other),
      ]);
    await beat(9_000);
    expect(await isHeld(store, 'a')).toBe(true);
    await beat(11_000);
    expect(await isHeld(store, 'a')).toBe(false);
  });

  it('is made once by processes that start at the same time', async () => {
    const schema = await ownSchema();
    await Promise.all(Array.from({ length: 8 }, () => schema.open()));
    expect(schema.events.map(({ kind }) => kind)).toEqual(['created']);
    const ids = await schema.ask("select value from meta where name = 'store_id'");
    expect(ids).toHaveLength(1);
  });
});
