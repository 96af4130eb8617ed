import type { Logger } from 'pino';
import { RESP_TYPES } from 'redis';
import { BusbarError } from '../../domain/errors.ts';
import { RedisLink } from '../../runtime/live-bus/redis-link.ts';

/**
 * Answers that all gateways share in Redis. It is only ever a help: **ready**, each question has to be answered within the
 * deadline; one that is not makes it **away**, when it is not asked at all until a new connection has answered, which is tried
 * for once a second and waited for by nobody.
 */
export interface SharedAnswers {
  /** @returns undefined where it is not there. @throws BusbarError `UNAVAILABLE` at once where Redis is away. */
  get(key: string): Promise<Buffer | undefined>;
  /** Returns at once. What cannot be kept is not. */
  keep(key: string, packed: Buffer, seconds: number): void;
  close(): void;
}

/** Far more than Redis takes, and less than most answers take to compute. */
const ANSWER_MS_MAX = 25;
const CONNECT_MS_MAX = 2_000;
const RETRY_MS = 1_000;
/** So much comes within the deadline also over a slow link; what is longer stays in the process. */
const VALUE_BYTES_MAX = 1024 * 1024;
/** A Redis that takes values slower than they come is spared some. */
const KEEPING_MAX = 32;

export function createSharedAnswers({ url, log }: { url: string; log: Logger }): SharedAnswers {
  const link = new RedisLink(url, log);
  let state: 'ready' | 'away' | 'closed' = 'away';
  let nextTryAt = 0;
  let keeping = 0;

  const connect = async () => {
    if (state !== 'away' || performance.now() < nextTryAt) return;
    nextTryAt = Number.POSITIVE_INFINITY;
    const answered = await link.run((client) => client.ping(), CONNECT_MS_MAX).catch(() => undefined);
    nextTryAt = performance.now() + RETRY_MS;
    if (answered !== undefined && state === 'away') state = 'ready';
  };
  const lost = () => {
    if (state === 'ready') state = 'away';
  };

  void connect();
  return {
    async get(key) {
      if (state !== 'ready') {
        void connect();
        throw new BusbarError('UNAVAILABLE', 'the Redis of kept answers is away');
      }
      try {
        const found = await link.run((client) => client.withTypeMapping(AS_BYTES).get(keyOf(key)), ANSWER_MS_MAX);
        return found ?? undefined;
      } catch (error) {
        lost();
        throw error;
      }
    },
    keep(key, packed, seconds) {
      if (state !== 'ready' || keeping >= KEEPING_MAX || packed.length > VALUE_BYTES_MAX) return;
      keeping++;
      link
        .run((client) => client.set(keyOf(key), packed, { expiration: { type: 'EX', value: seconds } }), CONNECT_MS_MAX)
        .catch(lost)
        .finally(() => {
          keeping--;
        });
    },
    close() {
      state = 'closed';
      link.close();
    },
  };
}

const AS_BYTES = { [RESP_TYPES.BLOB_STRING]: Buffer };

function keyOf(key: string): string {
  return `busbar:answer:${key}`;
}
