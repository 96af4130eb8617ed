import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cursorAt, type GatewaySubscriber, subscribeThroughGateway } from '../soak/gateway-subscriber.ts';
import { requireOrSkip } from '../support/services.ts';
import { openRedisStage, type RedisStage } from './redis-stage.ts';

const SERIES = { seed: 51, records: 6_000 };
/** Before Redis is killed, while it is away, and when it is back. */
const PART = SERIES.records / 6;
const POLL = { timeout: 30_000 };

/** Two gateways that are asked at random all the while, ingestors, and those who listen to all prices. */
describe.skipIf(!requireOrSkip('redis'))('Redis killed under load', { timeout: 120_000 }, () => {
  let stage: RedisStage;
  beforeAll(async () => {
    stage = await openRedisStage(SERIES);
  }, 60_000);
  afterAll(() => stage?.close());

  it('and back with its data costs no subscriber a price', async () => {
    const [from, to] = [stage.produced, stage.produced + 3 * PART];
    const [one, other] = stage.urls;
    const beginning = cursorAt(await stage.tail());
    const staying = subscribeThroughGateway(one, beginning);
    const leaving = [subscribeThroughGateway(other, beginning), subscribeThroughGateway(other, beginning)] as const;

    await killedMeanwhile(staying);
    await Promise.all(leaving.map((subscriber) => subscriber.stop()));
    await stage.produce(PART);
    await committedAndAnswered();
    await stage.redis.restart();
    await expect.poll(() => staying.record.ticks, POLL).toBe(2 * PART);

    const [left, careless] = leaving;
    const resumed = subscribeThroughGateway(one, left.cursor, left.record);
    const begun = subscribeThroughGateway(one, undefined, careless.record);
    await stage.produce(PART);
    await expect.poll(() => [staying.record.ticks, resumed.record.ticks], POLL).toEqual([3 * PART, 3 * PART]);
    const verdicts = [staying, resumed, begun].map(({ record }) => record.compare(stage.prices(from, to)));
    const everyOne = { ticks: 3 * PART, twice: 0, missing: 0, unfounded: 0 };
    expect(verdicts.slice(0, 2)).toEqual([everyOne, everyOne]);
    // The negative control: who comes back without its cursor has a gap.
    expect(verdicts[2]?.missing).toBeGreaterThan(0);
    await Promise.all([staying, resumed, begun].map((subscriber) => subscriber.stop()));
  });

  it('and back empty is told to who holds a cursor; who begins anew misses nothing from there', async () => {
    const [from, to] = [stage.produced, stage.produced + 3 * PART];
    const [one, other] = stage.urls;
    const beginning = cursorAt(await stage.tail());
    const [staying, leaving] = [subscribeThroughGateway(one, beginning), subscribeThroughGateway(other, beginning)];

    await killedMeanwhile(staying);
    await leaving.stop();
    await stage.produce(PART);
    await committedAndAnswered();
    await stage.redis.restart({ empty: true });
    await expect(staying.failed).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });
    await expect(subscribeThroughGateway(one, leaving.cursor).failed).rejects.toMatchObject({ code: 'CURSOR_EXPIRED' });

    const begun = subscribeThroughGateway(other, cursorAt(await stage.tail()));
    await stage.produce(PART);
    const later = stage.prices(from + 2 * PART, to);
    await expect.poll(() => begun.record.compare(later).missing, POLL).toBe(0);
    const verdicts = [staying, begun].map(({ record }) => record.compare(stage.prices(from, to)));
    expect(verdicts).toMatchObject(Array(2).fill({ twice: 0, unfounded: 0 }));
    await begun.stop();
  });

  it('costs no answer and no process', async () => {
    const ready = async (url: string) => (await get(url, '/health/ready')).status;
    await expect.poll(() => Promise.all(stage.urls.map(ready)), POLL).toEqual([200, 200]);
    expect(await stage.hunt.end()).toMatchObject({ stale: 0, example: undefined });
    expect(await stage.stop()).toEqual([0, 0, 0]);
  });

  /** SIGKILL to Redis while prices are on their way. */
  async function killedMeanwhile({ record }: GatewaySubscriber): Promise<void> {
    const producing = stage.produce(PART);
    await expect.poll(() => record.ticks, POLL).toBeGreaterThan(0);
    await stage.redis.kill();
    await producing;
  }

  /** With Redis away: prices are stored, queries are answered by both gateways, and their metrics tell of it. */
  async function committedAndAnswered(): Promise<void> {
    const { answers } = stage.hunt;
    await expect.poll(stage.committed, POLL).toBe(stage.produced);
    await expect.poll(() => stage.hunt.answers, POLL).toBeGreaterThan(answers + 20);
    await expect.poll(async () => Math.min(...(await errorsNow())), POLL).toBeGreaterThan(0);
  }

  /** Of each gateway, the questions in which Redis turned out to be away. */
  function errorsNow(): Promise<number[]> {
    return Promise.all(
      stage.urls.map(async (url) => {
        const metrics = await (await get(url, '/metrics')).text();
        return Number(/^busbar_cache_requests_total\{outcome="error"\} (\d+)/m.exec(metrics)?.[1] ?? 0);
      }),
    );
  }
});

/** By a connection of its own: one that is kept alive may be closed by the gateway as it is asked. */
function get(url: string, path: string): Promise<Response> {
  return fetch(new URL(path, url), { headers: { connection: 'close' } });
}
