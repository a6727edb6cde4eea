import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { takeSequence } from '../src/store/change-seq.ts';
import { durableChangeSeq } from '../src/store/changes.ts';
import { acquireLease, fenced } from '../src/store/leases.ts';
import { type Store, transact } from '../src/store/store.ts';
import { ownSchema } from './support/schema.ts';
import { describeServer } from './support/services.ts';

// Numbers of changes under writers that commit beside each other.

/** A row of its own for each number: as `calls`, which would need forty columns. */
async function makeNoted(store: Store): Promise<void> {
  await sql`create table noted (seq bigint primary key, writer int not null)`.execute(store.db);
}

async function write(store: Store, writer: number, pause: () => Promise<void>): Promise<void> {
  await transact(store, async (trx) => {
    const count = 1 + Math.floor(Math.random() * 3);
    for (const seq of await takeSequence(trx, count)) {
      await sql`insert into noted values (${seq}, ${writer})`.execute(trx);
    }
    await pause();
    if (Math.random() < 0.2)
      for (const seq of await takeSequence(trx, 1)) {
        await sql`insert into noted values (${seq}, ${writer})`.execute(trx);
      }
  });
}

describeServer('postgres', () => {
  it('lets a follower miss nothing, whatever order writers commit in', async () => {
    const schema = await ownSchema();
    const [writing, following] = [await schema.open(), await schema.open()];
    await makeNoted(writing);
    const stop = Date.now() + 2500;
    const pause = () => sleep(Math.random() ** 3 * 60);
    const writers = [1, 2, 3].map(async (writer) => {
      while (Date.now() < stop) await write(writing, writer, pause);
    });
    const followed: number[] = [];
    let behind = 0;
    let looks = 0;
    const follow = async (since: number): Promise<number> => {
      const upTo = (await durableChangeSeq(following)) ?? expect.fail('a standby');
      const { rows } = await sql<{ seq: number }>`
        select seq from noted where seq > ${since} and seq <= ${upTo} order by seq`.execute(
        following.db,
      );
      followed.push(...rows.map(({ seq }) => seq));
      const { rows: last } = await sql<{ last: number }>`
        select last_value as last from change_seq`.execute(following.db);
      behind += (last[0]?.last ?? 0) > upTo ? 1 : 0;
      looks += 1;
      return upTo;
    };
    let since = 0;
    while (Date.now() < stop) since = await follow(since);
    await Promise.all(writers);
    await follow(since);
    const written = await schema.ask('select seq::int from noted order by seq');
    expect(followed).toEqual(written.map(({ seq }) => seq));
    // It was held back by what was not committed yet, or the writers did not overlap.
    expect([written.length > 100, behind > looks / 20]).toEqual([true, true]);
  });

  it('writes for one account while another’s transaction is open', async () => {
    const schema = await ownSchema();
    const store = await schema.open();
    const [one, other] = [await acquireLease(store, 'a'), await acquireLease(store, 'b')];
    if (one.kind !== 'held' || other.kind !== 'held') throw new Error('not free');
    const order: string[] = [];
    const slow = fenced(store, one.lease, async (trx) => {
      await takeSequence(trx, 5);
      await sleep(400);
      order.push('slow');
    });
    await sleep(50);
    await fenced(store, other.lease, async (trx) => {
      expect(await takeSequence(trx, 2)).toEqual([6, 7]);
      order.push('quick');
    });
    // What is committed as 6 and 7 is not to be followed before 1 to 5 are.
    expect(await durableChangeSeq(store)).toBe(0);
    await slow;
    expect(order).toEqual(['quick', 'slow']);
    expect(await durableChangeSeq(store)).toBe(7);
  });

  it('is not held back by what was given up, nor by another schema', async () => {
    const [schema, elsewhere] = [await ownSchema(), await ownSchema()];
    const [store, other] = [await schema.open(), await elsewhere.open()];
    const given = transact(store, async (trx) => {
      await takeSequence(trx, 3);
      throw new Error('given up');
    });
    await expect(given).rejects.toThrow('given up');
    const open = transact(other, async (trx) => {
      await takeSequence(trx, 1);
      await sleep(300);
    });
    await sleep(50);
    await transact(store, (trx) => takeSequence(trx, 1));
    expect(await durableChangeSeq(store)).toBe(4);
    await open;
  });
});
