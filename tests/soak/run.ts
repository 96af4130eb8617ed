/** `npm run soak -- <name>`: the long runs, whose short versions are in the test suite. Prints what it saw as JSON. */
import { isDeepStrictEqual } from 'node:util';
import { openBenchStore } from '../../bench/bench-store.ts';
import { openStage } from '../faults/stage.ts';
import type { TradeSeries } from '../faults/trade-series.ts';
import { soundTrades, withTrades } from '../faults/trades-stage.ts';
import { startKafka } from '../support/kafka.ts';
import { startRedis } from '../support/redis.ts';
import { runCache } from './cache.ts';
import { type MarketHour, runMarketHour, whyUnsound } from './market-hour.ts';
import { comparePositions } from './positions.ts';
import { type RandomFaults, runRandomFaults, soundRun } from './random-faults.ts';
import { runRights } from './rights.ts';

interface Soak extends Omit<RandomFaults<object>, 'stage' | 'broker' | 'progress'> {
  readonly kafka: boolean;
  /** What comes beside the prices. */
  readonly trades?: TradeSeries;
}

const LEDGER: Soak = {
  kafka: true,
  series: { seed: 31, records: 1_000_000 },
  kills: 50,
  cuts: 20,
  gapMsMax: 12_000,
  ingestors: 2,
  gateway: true,
  sabotage: undefined,
};

const TRADES: Soak = {
  kafka: true,
  series: { seed: 41, records: 2_000_000 },
  trades: { seed: 41, versions: 500_000, accounts: 40, nodes: 100, moved: 0.2 },
  kills: 20,
  cuts: 0,
  rebalances: 6,
  gapMsMax: 24_000,
  ingestors: 2,
  gateway: false,
  sabotage: undefined,
};

const SOAKS: Readonly<Record<string, Soak>> = {
  /** A million records through Kafka, every process killed and every way cut, again and again. */
  ledger: LEDGER,
  /** The negative control: the same, shorter, with ingestors that write whoever owns the partition. It has to fail. */
  'ledger-fence-off': { ...LEDGER, series: { seed: 32, records: 200_000 }, kills: 12, cuts: 6, sabotage: 'fence-off' },
  /** Half a million versions of trades beside two million prices, to two processes that are killed, leave, and are joined. */
  trades: TRADES,
  /** The log embedded in the store, and one process after the other. */
  'kill-ingestors': {
    ...LEDGER,
    kafka: false,
    series: { seed: 11, records: 200_000 },
    kills: 20,
    cuts: 0,
    gapMsMax: 3_000,
    ingestors: 1,
    gateway: false,
  },
};

/** Half a million trades of 40 accounts, in a million versions, counted in SQL as well. */
const POSITIONS = { seed: 14, versions: 1_000_000, accounts: 40, nodes: 25 };

/** An hour of all eight sources: one in which day-ahead prices are published, and one in the night when clocks are set back. */
const MARKETS: Readonly<Record<string, MarketHour>> = {
  ordinary: { from: '2026-06-02T17:30:00Z', minutes: 60 },
  'clocks set back': { from: '2026-11-01T09:30:00Z', minutes: 60, seed: 2 },
  // It takes 14 requests an hour.
  'a day of CKW': { from: '2026-06-02T00:00:00Z', minutes: 24 * 60, sources: ['CKW'] },
};

/** Those that are made otherwise. */
const OTHERS: Readonly<Record<string, () => Promise<{ readonly sound: boolean }>>> = {
  positions: runPositions,
  markets: runMarkets,
  rights: runRights,
  cache: () => runCache({ isTold: true }),
  /** The negative control. It has to fail. */
  'cache-told-nothing': () => runCache({ isTold: false }),
};

const name = process.argv[2] ?? '';
const soak = SOAKS[name];
const run = soak ? () => runSoak(soak) : OTHERS[name];
if (!run) {
  console.error(`usage: npm run soak -- <name>\nsoaks: ${[...Object.keys(SOAKS), ...Object.keys(OTHERS)].join(', ')}`);
  process.exit(2);
}
const result = await run();
console.log(JSON.stringify({ soak: name, ...result }, null, 2));
process.exit(result.sound ? 0 : 1);

async function runMarkets() {
  const store = await openBenchStore();
  try {
    const hours = [];
    for (const [title, hour] of Object.entries(MARKETS)) {
      console.error(title);
      const startedAt = performance.now();
      const { url } = await store.fresh(`markets_${hours.length}`);
      const verdict = await runMarketHour(url, hour);
      const seconds = Math.round((performance.now() - startedAt) / 1_000);
      hours.push({ title, ...hour, seconds, ...verdict, unsound: whyUnsound(verdict) });
    }
    return { hours, sound: hours.every(({ unsound }) => unsound.length === 0) };
  } finally {
    await store.close();
  }
}

async function runPositions() {
  const startedAt = performance.now();
  const store = await openBenchStore();
  try {
    const compared = await comparePositions(store, POSITIONS, (line) => console.error(line));
    return { seconds: Math.round((performance.now() - startedAt) / 1_000), ...compared };
  } finally {
    await store.close();
  }
}

async function runSoak({ kafka, trades, ...run }: Soak) {
  const startedAt = performance.now();
  const seconds = () => Math.round((performance.now() - startedAt) / 1_000);
  const store = await openBenchStore();
  const [redis, broker] = await Promise.all([startRedis(), kafka ? startKafka() : undefined]);
  const { pool, url: databaseUrl } = await store.fresh('soak');
  const prices = await openStage({ pool, databaseUrl, redisUrl: redis.url, kafka: broker, series: run.series });
  const stage = trades ? await withTrades(prices, pool, trades) : prices;
  const progress = (line: string) => console.error(`${String(seconds()).padStart(5)} s  ${line}`);
  try {
    const verdict = await runRandomFaults({ ...run, stage, broker, progress });
    const expected = { ...soundRun(run), ...(trades && soundTrades(trades)) };
    return {
      records: stage.records,
      seed: run.series.seed,
      seconds: seconds(),
      ...verdict,
      sound: holds(verdict, expected),
    };
  } finally {
    await stage.close();
    await Promise.all([redis.stop(), broker?.stop()]);
    await store.close();
  }
}

/** Whether everything that is expected is so; what is not named may be anything. */
function holds(seen: unknown, expected: unknown): boolean {
  if (!isObject(seen) || !isObject(expected) || Array.isArray(expected)) return isDeepStrictEqual(seen, expected);
  return Object.entries(expected).every(([name, value]) => holds(seen[name], value));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
