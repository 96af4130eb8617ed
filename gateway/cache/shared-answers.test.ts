import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silent } from '../../tests/support/live.ts';
import { type RedisServer, startRedis } from '../../tests/support/redis.ts';
import { requireOrSkip } from '../../tests/support/services.ts';
import { createSharedAnswers, type SharedAnswers } from './shared-answers.ts';

describe.skipIf(!requireOrSkip('redis'))('answers in Redis', () => {
  let redis: RedisServer;
  let shared: SharedAnswers;
  beforeAll(async () => {
    redis = await startRedis();
    shared = createSharedAnswers({ url: redis.url, log: silent });
  });
  afterAll(async () => {
    shared.close();
    await redis.stop();
  });
  const ready = () => expect.poll(() => shared.get('none').catch(() => 'away')).toBeUndefined();

  test('are short enough to come within the deadline: a longer one is not kept there', async () => {
    await ready();
    shared.keep('long', randomBytes(1024 * 1024 + 1), 60);
    shared.keep('short', randomBytes(1024 * 1024), 60);
    await expect.poll(async () => (await shared.get('short').catch(() => undefined))?.length).toBe(1024 * 1024);
    await ready();
    expect(await shared.get('long')).toBeUndefined();
  });
});
