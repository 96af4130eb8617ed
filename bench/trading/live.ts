/**
 * From the append of a trade to the `pnl` event at the subscriber's socket that counts it: 500 trades/s and 2,000 ticks/s, 200
 * accounts that hold 10 of 100 nodes each, a graphql-ws subscriber an account, everything embedded. Busbar runs as `npm start`
 * does; it, the producer, and the subscribers have a process each. The floor, as baseline: the append of the trades alone.
 *
 * Every trade is new and later than those before it at its position, so an event counts a trade once its `tradeCount` has
 * come to the trade's number.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { isoFromInstant } from '../../domain/instant.ts';
import { localNameOf, type NodeName } from '../../domain/market.ts';
import { createNodeDirectory } from '../../ingestors/pipeline/store/nodes.ts';
import { nodesFor } from '../../ingestors/simulator/market-model.ts';
import type { OutgoingRecord } from '../../ingestors/sources/event-log.ts';
import { createPostgresLog } from '../../ingestors/sources/postgres-log.ts';
import { createPool } from '../../prisma/pool.ts';
import { openEmbeddedPostgres } from '../../runtime/embedded-postgres.ts';
import { startProgram } from '../../tests/support/processes.ts';
import { summary } from '../summary.ts';
import { ACCOUNTS, accountName, HELD_NODES, heldNodes } from './desk.ts';
import type { SubscribersReport } from './subscribers.ts';

const TRADES_PER_SECOND = 500;
const TICKS_PER_SECOND = 2_000;
const APPEND_EVERY_MS = 10;
/** Until the hot functions are compiled. */
const WARM_UP_MS = 15_000;
/** Long enough for several full garbage collections. */
const MEASURE_MS = 60_000;
const NODES = nodesFor(100);
const POSITIONS = ACCOUNTS * HELD_NODES;

export async function measureLive() {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-bench-'));
  const busbar = startProgram('main.ts', {
    BUSBAR_DATA: folder,
    PORT: '0',
    SIMULATOR: 'off',
  });
  const [, address = ''] = await busbar.sees(/"graphiql":"http([^"]+)"/);
  const postgres = await openEmbeddedPostgres(folder);
  const pool = createPool({ url: postgres.url, max: 4 });
  const log = createPostgresLog({ pool, connectionString: postgres.url, log: pino({ level: 'silent' }) });
  await createNodeDirectory(pool).register(new Set(NODES));

  const tape = new Tape();
  for (let opened = 0; opened < POSITIONS; opened += ACCOUNTS)
    await log.append('trades', tape.trades(opened + ACCOUNTS));
  await tradesStored(pool, POSITIONS);
  const subscribers = await startSubscribers(`ws${address}`);
  const before = await figures(address);

  const appends: number[] = [];
  const startedAt = Date.now();
  const measuredFrom = startedAt + WARM_UP_MS;
  const until = measuredFrom + MEASURE_MS;
  for (let now = startedAt; now < until; now = Date.now()) {
    const trades = tape.trades(POSITIONS + Math.floor(((now - startedAt) * TRADES_PER_SECOND) / 1_000));
    const ticks = tape.ticks(Math.floor(((now - startedAt) * TICKS_PER_SECOND) / 1_000));
    const appendedAt = performance.now();
    await Promise.all([append(log, 'trades', trades), append(log, 'realtime_prices', ticks)]);
    if (now > measuredFrom) appends.push(performance.now() - appendedAt);
    await sleep(APPEND_EVERY_MS);
  }
  const after = await figures(address);
  await sleep(1_000);
  const report = await subscribers.report({ from: measuredFrom, to: until });
  await log.close();
  await pool.end();
  await busbar.stop();
  await postgres.release();
  await rm(folder, { recursive: true, force: true });

  const seconds = MEASURE_MS / 1_000;
  const latencies = tape.latencies(report.counted, { from: measuredFrom, to: until });
  const { sent, conflated } = { sent: after.sent - before.sent, conflated: after.conflated - before.conflated };
  const tradeToPnlMs = summary(latencies.values);
  const appendMs = summary(appends);
  return {
    load: {
      tradesPerSecond: TRADES_PER_SECOND,
      ticksPerSecond: TICKS_PER_SECOND,
      subscribers: ACCOUNTS,
      positions: POSITIONS,
    },
    baseline: 'the append to the log alone',
    tradesMeasured: latencies.values.length,
    tradesNeverSeen: latencies.missing,
    tradeToPnlMs,
    tickToPnlMs: report.tickToPnlMs,
    appendMs,
    framesPerSecond: Math.round(report.frames / seconds),
    /** One subscription an account: each position of a frame was marked for it alone. */
    marksPerSecond: Math.round(report.positions / seconds),
    framesSent: sent,
    marksConflated: conflated,
    ratio: tradeToPnlMs.p99 / appendMs.p99,
    atMostP99Ms: 100,
  };
}

/** What the producer writes, and when. */
class Tape {
  readonly #held = Array.from({ length: ACCOUNTS }, (_, account) => heldNodes(NODES, account));
  /** By account and node, when its trades were made. */
  readonly #madeAt = new Map<string, number[]>();
  #trades = 0;
  #ticks = 0;
  #lastAt = 0;

  /** The trades up to the so-many-th: the accounts take turns, and each goes round its nodes. */
  trades(upTo: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    for (; this.#trades < upTo; this.#trades++) records.push(this.#trade(this.#trades));
    return records;
  }

  ticks(upTo: number): OutgoingRecord[] {
    const records: OutgoingRecord[] = [];
    for (; this.#ticks < upTo; this.#ticks++) records.push(tickRecord(this.#ticks));
    return records;
  }

  /** @param counted when each position was first seen with so many trades. */
  latencies(counted: SubscribersReport['counted'], { from, to }: { from: number; to: number }) {
    const values: number[] = [];
    let missing = 0;
    for (const [key, madeAt] of this.#madeAt) {
      const seen = counted.get(key) ?? [];
      let place = 0;
      for (const [index, at] of madeAt.entries()) {
        while ((seen[place]?.trades ?? Number.POSITIVE_INFINITY) < index + 1) place++;
        if (at < from || at >= to) continue;
        const first = seen[place];
        if (first) values.push(first.at - at);
        else missing++;
      }
    }
    return { values, missing };
  }

  #trade(number: number): OutgoingRecord {
    const account = number % ACCOUNTS;
    const held = this.#held[account] ?? [];
    const node = held[Math.floor(number / ACCOUNTS) % held.length] ?? NODES[0];
    if (!node) throw new TypeError('an account without nodes');
    const now = Date.now();
    this.#lastAt = Math.max(now, this.#lastAt);
    const key = `${accountName(account)}\n${node}`;
    const madeAt = this.#madeAt.get(key);
    if (madeAt) madeAt.push(now);
    else this.#madeAt.set(key, [now]);
    return tradeRecord(number, accountName(account), node, this.#lastAt);
  }
}

function tradeRecord(number: number, account: string, node: NodeName, at: number): OutgoingRecord {
  return {
    key: account,
    value: JSON.stringify({
      trade_id: `T${String(number).padStart(9, '0')}`,
      ts: isoFromInstant(at),
      account,
      hub: node,
      // In turns, in sizes that seldom meet: positions open, flip and close.
      side: Math.floor(number / POSITIONS) % 2 === number % 2 ? 'BUY' : 'SELL',
      mw: 1 + (number % 7),
      price_mwh: 30 + (number % 1_000) / 100,
    }),
  };
}

/** The tick's own time says when it was made. */
function tickRecord(number: number): OutgoingRecord {
  const hub = localNameOf(NODES[number % NODES.length] ?? nodesFor(1)[0] ?? ('PJM:PJM-WEST' as never));
  const lmp = 30 + (number % 997) / 100;
  const value = { ts: isoFromInstant(Date.now()), hub, lmp_rt: lmp, energy_rt: lmp, congestion_rt: 0, loss_rt: 0 };
  return { key: hub, value: JSON.stringify(value) };
}

async function append(
  log: { append(topic: string, records: readonly OutgoingRecord[]): Promise<unknown> },
  topic: string,
  records: readonly OutgoingRecord[],
): Promise<void> {
  if (records.length > 0) await log.append(topic, records);
}

async function tradesStored(pool: ReturnType<typeof createPool>, expected: number): Promise<void> {
  for (;;) {
    const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM trade');
    if (rows[0]?.count === expected) return;
    await sleep(100);
  }
}

async function startSubscribers(url: string) {
  const child = fork(new URL('./subscribers.ts', import.meta.url), [url], {
    execArgv: ['--import', 'tsx'],
    serialization: 'advanced',
  });
  await once(child, 'message');
  return {
    async report(range: { from: number; to: number }): Promise<SubscribersReport> {
      child.send(range);
      const [report] = (await once(child, 'message')) as [SubscribersReport];
      await once(child, 'exit');
      return report;
    },
  };
}

async function figures(address: string): Promise<{ sent: number; conflated: number }> {
  const text = await (await fetch(new URL('/metrics', `http${address}`))).text();
  const counted = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN);
  return { sent: counted('busbar_frames_sent_total'), conflated: counted('busbar_conflated_ticks_total') };
}
