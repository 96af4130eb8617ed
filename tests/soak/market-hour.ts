/**
 * All sources at once, each feed polled as often as it is in a process of ingestors, against stand-ins with the limits of their
 * vendors, of which each fails in every way it can: what came of it must be right, or told to be missing.
 *
 * Time is simulated: see `markets/stepped-clock.ts`. Everything else is real: feeds, HTTP, turns, breakers, tokens, pipeline and store.
 */
import type pg from 'pg';
import { pino } from 'pino';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import type { CallOutcome, SourceCall } from '../../domain/source-call.ts';
import type { Calls, Turns } from '../../ingestors/feed.ts';
import { FEED_SETTINGS, FEEDS } from '../../ingestors/feeds/index.ts';
import { pollOf } from '../../ingestors/jobs/poll.ts';
import { createPollers, isPolledFeed, type PolledFeed, type Pollers } from '../../ingestors/jobs/pollers.ts';
import { watchSources } from '../../ingestors/monitor/alerts.ts';
import { createCallLog } from '../../ingestors/monitor/call-log.ts';
import { registerFeeds } from '../../ingestors/pipeline/store/feeds.ts';
import { claimPartition, noteFailure, unowned } from '../../ingestors/pipeline/store/positions.ts';
import { createTurns } from '../../ingestors/sources/turns.ts';
import { createRandom } from '../../ingestors/stand-ins/noise.ts';
import type { ToldOutcome } from '../../ingestors/stand-ins/stand-in.ts';
import { readGaps } from '../../prisma/operations/completeness.ts';
import { type Config, readConfig, variables } from '../../runtime/config.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { silentPipeline } from '../support/silent-pipeline.ts';
import { type AlertsSeen, compareAlerts, type Look } from './markets/alerts.ts';
import { createClassJudge } from './markets/call-classes.ts';
import { type PricesSeen, readPrices, readTariffs } from './markets/prices.ts';
import { createSteppedClock, type SteppedClock } from './markets/stepped-clock.ts';
import { openSteppedStore } from './markets/stepped-store.ts';
import { type OpenVendor, VENDORS, type VendorPlan } from './markets/vendors.ts';

export interface MarketHour {
  /** An instant: `2026-06-02T17:30:00Z`. */
  readonly from: string;
  readonly minutes: number;
  /** Of all requests to a source, for each of the troubles that it can have; 0.05. */
  readonly shareOfEach?: number;
  /** How far back first polls go; 6. */
  readonly lookbackHours?: number;
  /** As calls name them; all. */
  readonly sources?: readonly string[];
  readonly seed?: number;
  readonly sabotage?: Sabotage;
}

/** What a negative control takes out or breaks. */
export interface Sabotage {
  readonly turns?: Turns;
  call?(call: SourceCall): SourceCall;
  /** @param place counts the prices of a payload. */
  price?(lmp: number, place: number): number;
}

export interface MarketHourVerdict {
  readonly sources: Readonly<Record<string, SourceVerdict>>;
  readonly alerts: AlertsSeen;
}

export interface SourceVerdict {
  readonly requests: number;
  readonly injected: Readonly<Record<string, number>>;
  readonly overLimit: number;
  /** How many calls are logged as what; what the stand-in did asks for the same. */
  readonly outcomes: Readonly<Record<string, number>>;
  /** Calls that are logged as something else than what the stand-in did, or not at all, the first of them in words. */
  readonly misjudged: number;
  readonly firstMisjudged: string | undefined;
  readonly prices: PricesSeen;
  /** Missing still once all gaps were asked for, when nothing fails any more. */
  readonly unrepaired: number;
  /** By code. Each has the bytes that came. */
  readonly deadLetters: Readonly<Record<string, number>>;
  readonly emptyLetters: number;
}

/** @returns what is wrong with it, in words; nothing where everything is right, or told to be missing. */
export function whyUnsound({ sources, alerts }: MarketHourVerdict): string[] {
  const bySource = Object.entries(sources).flatMap(([source, { overLimit, misjudged, prices, ...seen }]) => [
    overLimit > 0 && `${source} was asked too often ${overLimit} times`,
    misjudged > 0 && `${misjudged} calls to ${source} are not logged as what they were: ${seen.firstMisjudged}`,
    prices.stored === 0 && `${source} has no prices`,
    prices.wrong > 0 && `${prices.wrong} prices of ${source} are wrong`,
    prices.twice > 0 && `${prices.twice} prices of ${source} are there twice`,
    prices.unflagged > 0 &&
      `${prices.unflagged} prices of ${source} are missing and not told of, or the other way round`,
    seen.unrepaired > 0 && `${seen.unrepaired} prices of ${source} are missing after their gaps were asked for`,
    seen.emptyLetters > 0 && `${seen.emptyLetters} dead letters of ${source} are empty`,
  ]);
  const ofAlerts = [
    alerts.unfounded > 0 && `${alerts.unfounded} alerts were for nothing`,
    alerts.missed > 0 && `${alerts.missed} alerts were missing`,
  ];
  return [...bySource, ...ofAlerts].filter((reason) => reason !== false);
}

const SHARE = 0.05;
const LOOKBACK_HOURS = 6;
/** About as often as in a process of ingestors, and hardly ever at the moment of a call. */
const LOOK_EVERY_MS = 15_007;

/** @param url of a migrated, empty store of its own. */
export async function runMarketHour(url: string, run: MarketHour): Promise<MarketHourVerdict> {
  const begin = Date.parse(run.from);
  const store = await openSteppedStore(url, begin);
  const clock = createSteppedClock(begin, store.tell);
  const stage: Stage = { run, clock, pool: store.pool, told: new Map(), calls: [], looks: [] };
  const plans = VENDORS.filter(({ source }) => run.sources?.includes(source) ?? true);
  const vendors = new Map<VendorPlan, OpenVendor>();
  try {
    for (const [place, plan] of plans.entries()) vendors.set(plan, await openVendor(stage, plan, place));
    const polled = await pollAll(stage, vendors);
    const verdict = await verdictOf(stage, vendors);
    await polled.repair();
    await polled.close();
    return await repaired(stage, vendors, verdict);
  } finally {
    await Promise.all(Array.from(vendors.values(), (vendor) => vendor.close()));
    await store.close();
  }
}

interface Stage {
  readonly run: MarketHour;
  readonly clock: SteppedClock;
  readonly pool: pg.Pool;
  /** By source, in the order of the requests. */
  readonly told: Map<string, ToldOutcome[]>;
  /** In the order in which they were made. */
  readonly calls: SourceCall[];
  readonly looks: Look[];
}

async function openVendor({ run, clock, told }: Stage, plan: VendorPlan, place: number): Promise<OpenVendor> {
  const { shareOfEach = SHARE, seed = 1 } = run;
  const heard: ToldOutcome[] = [];
  told.set(plan.source, heard);
  const vendor = await plan.open({
    now: clock.now,
    random: createRandom(seed * 100 + place),
    onOutcome: (outcome) => {
      heard.push(outcome);
      if (outcome.outcome === 'stall') clock.fellSilent();
    },
  });
  vendor.failing(shareOfEach);
  return vendor;
}

function configOf(
  { lookbackHours = LOOKBACK_HOURS }: MarketHour,
  vendors: ReadonlyMap<VendorPlan, OpenVendor>,
): Config {
  const names = variables(FEED_SETTINGS).map(({ name }) => name);
  const lookbacks = names.filter((name) => name.endsWith('_LOOKBACK_HOURS')).map((name) => [name, `${lookbackHours}`]);
  const environments = Array.from(vendors.values(), ({ environment }) => environment);
  return readConfig(Object.assign(Object.fromEntries(lookbacks), ...environments), FEED_SETTINGS);
}

/** Ends when the time is over and the last poll has come to its end; what it asks then does not fail any more. */
async function pollAll(stage: Stage, vendors: ReadonlyMap<VendorPlan, OpenVendor>) {
  const { run, clock, pool } = stage;
  const config = configOf(run, vendors);
  const feeds = FEEDS.filter(isPolledFeed)
    .filter(({ id }) => [...vendors.keys()].some((plan) => plan.feeds.includes(id)))
    .map((feed) => sabotaged(feed, run.sabotage));
  const end = clock.now() + run.minutes * MINUTE_MS;
  const log = createCallLog({ pool, metrics: createMetrics(), log: SILENT, everyMs: 10 });
  const turns = run.sabotage?.turns ?? createTurns(pool, clock);
  const parts = { clock, turns, calls: callsOf(stage, log), random: createRandom(run.seed ?? 1) };
  const pollers = createPollers(config, parts);
  await registerFeeds(pool, feeds, config);
  const polls = feeds.flatMap((feed) =>
    feed.source
      .partitions(config.settings(feed.source.env))
      .map((partition) => clock.task(() => pollUntil(end, stage, feed, partition, pollers))),
  );
  const others = [
    clock.task(() => lookUntil(end, stage)),
    clock.task(async () => {
      await clock.sleep(end - clock.now());
      for (const vendor of vendors.values()) vendor.failing(0);
    }),
  ];
  await Promise.all([...polls, ...others]);
  await log.stop();
  return {
    repair: () => Promise.all(feeds.map((feed) => clock.task(() => repair(stage, feed, config, pollers)))),
    close: () => pollers.close(),
  };
}

/** Asks for what Busbar tells is missing, as `feeds repair` does by a job. */
async function repair({ run, clock, pool }: Stage, feed: PolledFeed, config: Config, pollers: Pollers): Promise<void> {
  const now = clock.now();
  const pipeline = silentPipeline(pool, clock.now);
  for (const { partition, ...gap } of (await readGaps(pool, { feed: feed.id, from: owedFrom(run), to: now }, now)) ??
    []) {
    const settings = config.settings(feed.source.env);
    for (const { request } of feed.source.chunks(settings, partition, { ...gap, nodes: undefined }, now)) {
      const { payload, publishedAt } = await pollers.of(feed).fetch(partition, request, NEVER);
      const items = [{ payload, publishedAt, publishedSeq: 0 }];
      await pipeline.ingest(feed, unowned(feed.id, partition), {
        kind: 'FETCH',
        next: undefined,
        request,
        items,
        lag: null,
      });
    }
  }
}

const NEVER = new AbortController().signal;

function sabotaged(feed: PolledFeed, { price }: Sabotage = {}): PolledFeed {
  if (!price || feed.family !== 'lmp') return feed;
  return {
    ...feed,
    decode: async (payload) => {
      const decoded = await feed.decode(payload);
      const facts = decoded.facts.map((fact, place) => ({ ...fact, lmp: price(fact.lmp, place) }));
      return { ...decoded, facts };
    },
  };
}

const SILENT = pino({ level: 'silent' });

function callsOf({ run, clock, calls }: Stage, log: Calls): Calls {
  return {
    made: (call) => {
      clock.callEnded();
      const told = run.sabotage?.call?.(call) ?? call;
      calls.push(told);
      log.made(told);
    },
  };
}

/** As the queue does it: a poll that is over is queued again. */
async function pollUntil(end: number, { clock, pool }: Stage, feed: PolledFeed, partition: string, pollers: Pollers) {
  const poll = pollOf(
    { feed, partition },
    {
      log: SILENT,
      clock: clock.now,
      pipeline: silentPipeline(pool, clock.now),
      announcer: { catchUp: async () => {} },
      pollers,
      claim: (...of) => claimPartition(pool, ...of, 'market hour'),
      noteFailure: (...failure) => noteFailure(pool, ...failure),
    },
  );
  while (clock.now() < end) {
    const outcome = await poll.run(NEVER);
    if (outcome === 'done') await clock.sleep(Math.min(poll.everyMs, end - clock.now()));
  }
}

async function lookUntil(end: number, { clock, pool, calls, looks }: Stage): Promise<void> {
  while (clock.now() < end) {
    await clock.sleep(LOOK_EVERY_MS);
    while ((await countOf(pool)) < calls.length);
    looks.push({ at: clock.now(), calls: calls.length });
    await watchSources({ pool, log: SILENT, clock: clock.now });
  }
}

async function countOf(pool: pg.Pool): Promise<number> {
  const { rows } = await pool.query<{ count: number }>('SELECT count(*)::int AS count FROM api_health_logs');
  return rows[0]?.count ?? 0;
}

async function verdictOf(stage: Stage, vendors: ReadonlyMap<VendorPlan, OpenVendor>): Promise<MarketHourVerdict> {
  const config = configOf(stage.run, vendors);
  const sources: Record<string, SourceVerdict> = {};
  for (const [plan, vendor] of vendors) sources[plan.source] = await sourceVerdict(stage, config, plan, vendor);
  return { sources, alerts: await compareAlerts(stage.pool, stage.calls, stage.looks) };
}

async function repaired(
  { run, clock, pool }: Stage,
  vendors: ReadonlyMap<VendorPlan, OpenVendor>,
  { sources, ...verdict }: MarketHourVerdict,
): Promise<MarketHourVerdict> {
  const now = clock.now();
  const after: Record<string, SourceVerdict> = {};
  for (const { source, feeds } of vendors.keys()) {
    const seen = sources[source];
    const gaps = (
      await Promise.all(feeds.map((feed) => readGaps(pool, { feed, from: owedFrom(run), to: now }, now)))
    ).flat();
    const unrepaired = gaps.reduce((sum, gap) => sum + (gap?.intervals ?? 0), 0);
    if (seen) after[source] = { ...seen, unrepaired };
  }
  return { sources: after, ...verdict };
}

/** The first poll begins somewhere within the hour before. */
function owedFrom({ from, lookbackHours = LOOKBACK_HOURS }: MarketHour): number {
  return Date.parse(from) - (lookbackHours - 1) * HOUR_MS;
}

async function sourceVerdict(
  { run, clock, pool, told }: Stage,
  config: Config,
  { source, feeds, market }: VendorPlan,
  { counts }: OpenVendor,
): Promise<SourceVerdict> {
  const heard = told.get(source) ?? [];
  const logged = await readCalls(pool, source);
  const misjudged = differences(heard, logged, source);
  const feed = FEEDS.filter(isPolledFeed).find(({ id }) => id === feeds[0]);
  if (!feed) throw new TypeError(`there is no feed ${feeds[0]}`);
  const from = owedFrom(run);
  const now = clock.now();
  const letters = await readLetters(pool, feeds);
  return {
    requests: heard.length,
    injected: counts.injected,
    overLimit: counts.overLimit,
    outcomes: countedBy(logged.map(({ outcome }) => outcome)),
    misjudged: misjudged.length,
    firstMisjudged: misjudged[0],
    prices: market ? await readPrices({ pool, config, feed, market, from, now }) : await readTariffs(pool),
    unrepaired: 0,
    ...letters,
  };
}

interface LoggedCall {
  readonly isLogin: boolean;
  readonly at: number;
  readonly outcome: CallOutcome;
}

async function readCalls(pool: pg.Pool, source: string): Promise<LoggedCall[]> {
  const { rows } = await pool.query<LoggedCall>(
    `SELECT endpoint = 'login' AS "isLogin", (extract(epoch FROM called_at) * 1000)::float8 AS at, outcome
     FROM api_health_logs WHERE source = $1 ORDER BY called_at, seq`,
    [source],
  );
  return rows;
}

/** A call arrives at the moment it is made, and no two of a source at once, unless one of them is for a token. */
function differences(heard: readonly ToldOutcome[], logged: readonly LoggedCall[], source: string): string[] {
  const { classOf } = createClassJudge(source);
  const keyOf = ({ isLogin, at }: { readonly isLogin: boolean; readonly at: number }) => `${isLogin} ${Math.round(at)}`;
  const unheard = new Map(logged.map((call) => [keyOf(call), call]));
  const wrong = heard.flatMap((told) => {
    const call = unheard.get(keyOf(told));
    unheard.delete(keyOf(told));
    const expected = classOf(told);
    if (call?.outcome === expected) return [];
    const { target, fault = 'no trouble', at } = told;
    return [`${target}, ${fault}, at ${isoFromInstant(at)}: ${expected}, but logged ${call?.outcome}`];
  });
  return [...wrong, ...[...unheard.values()].map(({ at, outcome }) => `logged ${outcome} of no request at ${at}`)];
}

async function readLetters(pool: pg.Pool, feeds: readonly string[]) {
  const { rows } = await pool.query<{ code: string; isEmpty: boolean }>(
    'SELECT code, length(raw) = 0 AS "isEmpty" FROM dead_letter WHERE feed_id = ANY($1)',
    [feeds],
  );
  const codes = rows.map(({ code }) => code);
  return {
    deadLetters: countedBy(codes),
    emptyLetters: rows.filter(({ isEmpty }) => isEmpty).length,
  };
}

function countedBy(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names.toSorted()) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
