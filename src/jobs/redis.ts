import { createRedisBackend, withBackend } from 'bullmq';
import { Redis } from 'ioredis';
import { SECOND } from '../time.ts';
import { bindQueues, type OnTrouble, type QueueBackend } from './backend.ts';

/** Queues on a Redis server. It need not be there yet: what is asked of it waits. */
export function redisBackend(url: string, onTrouble: OnTrouble): QueueBackend {
  const connection = new Redis(url, {
    // BullMQ demands it: a command waits for the server's return instead of failing.
    maxRetriesPerRequest: null,
    connectTimeout: 5 * SECOND,
    keepAlive: 10 * SECOND,
    // A connection that has gone dumb behind a proxy says nothing and breaks nothing. No command of ours takes longer.
    socketTimeout: 30 * SECOND,
    // The usual back-off grows to 20 s, which would be 20 s without polls after each restart of the server.
    retryStrategy: (tries) => Math.min(tries * 250, 2 * SECOND),
  });
  connection.on('error', onTrouble);
  return {
    kind: 'redis',
    ...bindQueues(withBackend(createRedisBackend), connection, onTrouble),
    // What BullMQ needs: scripts, and leave to write.
    ping: async () => {
      await connection.eval(
        "return redis.call('set', KEYS[1], '1', 'EX', 60)",
        1,
        'bull:cdrsync-ready',
      );
    },
    onReturn: (listener) => {
      connection.on('ready', listener);
    },
    close: async () => {
      connection.disconnect();
    },
  };
}
