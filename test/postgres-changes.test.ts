import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { takeSequence } from '../src/store/change-seq.ts';
import { durableChangeSeq } from '../src/store/changes.ts';
import { acquireLease, fenced } from '../src/store/leases.ts';
import { type Store, type StoreTransaction, transact } from '../src/store/store.ts';
import { ownSchema } from './support/schema.ts';
import { describeServer } from './support/services.ts';

// Numbers of changes under writers that commit beside each other.

/** Takes numbers, and writes a call under each. */
async function change(trx: StoreTransaction, count: number): Promise<readonly number[]> {
  const numbers = await takeSequence(trx, count);
  for (const number of numbers) {
    await sql`
      insert into calls (account_id, provider, call_id, direction, started_at, disposition,
        recording_state, is_call, flags, custom, source, listed_on, version, change_seq,
        first_seen_at, changed_at, mapping_version, raw, listed_exact, identity_key, content_hash)
      values ('a', 'p', ${String(number)}, 'unknown', now(), 'unknown', 'none', 1, '[]', '{}', 'pull',
        current_date, 1, ${number}, now(), now(), 1, '{}', 1, ${String(number)}, '')`.execute(trx);
  }
  return numbers;
}

async function write(store: Store, pause: () => Promise<void>): Promise<void> {
  await transact(store, async (trx) => {
    await change(trx, 1 + Math.floor(Math.random() * 3));
    await pause();
    if (Math.random() < 0.2) await change(trx, 1);
  });
}

describeServer('postgres', () => {
  it('lets a follower miss nothing, whatever order writers commit in', async () => {
    const schema = await ownSchema();
    const [writing, following] = [await schema.open(), await schema.open()];
    const stop = Date.now() + 2500;
    const pause = () => sleep(Math.random() ** 3 * 60);
    const writers = [1, 2, 3].map(async () => {
      while (Date.now() < stop) await write(writing, pause);
    });
    const followed: number[] = [];
    let behind = 0;
    let looks = 0;
    const follow = async (since: number): Promise<number> => {
      const upTo = (await durableChangeSeq(following)) ?? expect.fail('a standby');
      const { rows } = await sql<{ seq: number }>`
        select change_seq as seq from calls
        where change_seq > ${since} and change_seq <= ${upTo} order by change_seq`.execute(
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
    const written = await schema.ask(
      'select change_seq::int as seq from calls order by change_seq',
    );
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
      await change(trx, 5);
      await sleep(400);
      order.push('slow');
    });
    await sleep(50);
    await fenced(store, other.lease, async (trx) => {
      expect(await change(trx, 2)).toEqual([6, 7]);
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
      await change(trx, 3);
      throw new Error('given up');
    });
    await expect(given).rejects.toThrow('given up');
    // Nobody has them: after a crash the server may give them again.
    expect(await durableChangeSeq(store)).toBe(0);
    const open = transact(other, async (trx) => {
      await change(trx, 1);
      await sleep(300);
    });
    await sleep(50);
    await transact(store, (trx) => change(trx, 1));
    expect(await durableChangeSeq(store)).toBe(4);
    await open;
  });
});
