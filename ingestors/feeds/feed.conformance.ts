/**
 * What every polled feed of prices has to do, whatever its source. Each demand says in plain words what is missing; that the
 * values are right the feed's own tests say.
 */
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import { DAY_MS, HOUR_MS } from '../../domain/instant.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import { marketById, marketOf } from '../../domain/market.ts';
import type { Environment } from '../../runtime/config.ts';
import { readConfig } from '../../runtime/config.ts';
import { Secret } from '../../runtime/secret.ts';
import type { Chunk, FeedOf, Payload, PolledSource, Poller, SourceParts } from '../feed.ts';
import type { OpenStandIn, StandInPlan } from '../stand-ins/plan.ts';

/** A feed, and what there is of it beside its code. */
export interface FeedUnderTest {
  readonly feed: FeedOf<'lmp'>;
  readonly source: PolledSource<unknown>;
  /** Text of its README.md; undefined where there is none. */
  readonly card: string | undefined;
  /** The plan of its stand-in, open; undefined where there is none. */
  readonly standIn: (OpenStandIn & Pick<StandInPlan, 'urls'>) | undefined;
  /** Texts of the project's README.md and docker-compose.yml; undefined for what is not in the registry. */
  readonly readme: string | undefined;
  readonly compose: string | undefined;
  readonly parts: SourceParts;
  readonly now: number;
}

/** @returns what is missing, each in a sentence; empty where all is well. */
type Demand = (of: FeedUnderTest) => readonly string[] | Promise<readonly string[]>;

export const DEMANDS: Readonly<Record<string, Demand>> = {
  'has a card that names its partitions and settings': lacksInCard,
  'describes every setting, and names it after itself': lacksInSettings,
  'polls nothing as long as nothing is configured': ({ source }) =>
    source.partitions(settingsFrom(source, {})).map((each) => `${each} is polled although nothing is configured`),
  'is known to the README and to docker-compose.yml': lacksInProject,
  'has a stand-in by which it is configured': lacksInStandIn,
  'calls its reports by streams, of partitions that it has': lacksInStreams,
  'says what it owes, of partitions that it polls and a market that there is': lacksInExpectations,
  'cuts a backfill into requests that cover it, in order': lacksInChunks,
  'tells no secret in a request': lacksInSecrecy,
  'refuses a request that it never asks': lacksInRefusals,
  'reads prices of its stand-in, by polls and by a backfill': lacksInPrices,
  'makes no other price of an answer that is cut off': lacksInCutOff,
  'makes no price of damaged bytes, and says what is wrong with them': lacksInDecoder,
};

/** The beginning of a feed's id, as its settings and its folder are named after it: `isone`. */
export function vendorOf({ id }: Pick<FeedOf<'lmp'>, 'id'>): string {
  return id.replace(/-.*$/, '');
}

function lacksInCard(of: FeedUnderTest): readonly string[] {
  const { card } = of;
  const path = `ingestors/feeds/${vendorOf(of.feed)}/README.md`;
  if (card === undefined) return [`there is no card: write ${path}`];
  const settings = Object.keys(of.source.env.shape);
  const told = card.match(new RegExp(`\\b${vendorOf(of.feed).toUpperCase()}_[A-Z_]+\\b`, 'g')) ?? [];
  return [
    ...[...partitionsOf(of), ...settings]
      .filter((name) => !card.includes(name))
      .map((name) => `${path} does not name ${name}`),
    ...[...new Set(told)]
      .filter((name) => !settings.includes(name))
      .map((name) => `${path} names ${name}, which is no setting`),
  ];
}

function lacksInSettings({ feed, source }: FeedUnderTest): readonly string[] {
  const prefix = `${vendorOf(feed).toUpperCase()}_`;
  return Object.entries(source.env.shape).flatMap(([name, { description }]) => [
    ...(name.startsWith(prefix) ? [] : [`${name} does not begin with ${prefix}`]),
    ...(/\w+.*\.$/.test(description ?? '') ? [] : [`${name} has no description: .describe('A sentence.')`]),
  ]);
}

function lacksInProject({ feed, source, readme, compose }: FeedUnderTest): readonly string[] {
  const row = readme?.includes(`| \`${feed.id}\``) ?? true;
  const names = Object.keys(source.env.shape).filter((name) => !(compose?.includes(`\${${name}:-}`) ?? true));
  return [
    ...(row ? [] : [`the table under "Feeds" in README.md has no row of ${feed.id}`]),
    ...names.map((name) => `docker-compose.yml does not hand ${name} to the ingestors`),
  ];
}

function lacksInStandIn(of: FeedUnderTest): readonly string[] {
  const { standIn, source } = of;
  const vendor = vendorOf(of.feed);
  if (!standIn)
    return [`there is no stand-in: write ingestors/stand-ins/${vendor}.ts and name it in ingestors/stand-ins/plans.ts`];
  const known = Object.keys(source.env.shape);
  return [
    ...Object.keys(standIn.environment)
      .filter((name) => !known.includes(name))
      .map((name) => `the plan of its stand-in sets ${name}, which the feed does not read`),
    ...standIn.urls
      .filter((name) => standIn.environment[name] === undefined)
      .map((name) => `the plan of its stand-in does not say where that is: ${name}`),
    ...(partitionsOf(of).length > 0 ? [] : ['with what the plan of its stand-in sets, nothing is polled']),
  ];
}

function lacksInStreams(of: FeedUnderTest): readonly string[] {
  const { streams = {} } = of.feed;
  const lacks: string[] = [];
  if (!Object.keys(streams).some((name) => /^iso\.(rt|da)\.lmp\./.test(name)))
    lacks.push(`there are no streams: call its reports iso.rt.lmp.${vendorOf(of.feed)} and iso.da.lmp.…`);
  const named = Object.values(streams).flat();
  lacks.push(...repeated(named).map((partition) => `${partition} is in two streams`));
  for (const partition of named) {
    const error = errorIn(() => chunksOf(of, partition));
    if (/has no/.test(error)) lacks.push(`a stream has the partition ${partition}, and the feed has none: ${error}`);
  }
  const owing = of.source.expectations(settingsOf(of)).map(({ partition }) => partition);
  lacks.push(...owing.filter((each) => !named.includes(each)).map((each) => `${each} owes prices and is in no stream`));
  return lacks;
}

function lacksInExpectations(of: FeedUnderTest): readonly string[] {
  const owed = of.source.expectations(settingsOf(of));
  const polled = partitionsOf(of);
  if (polled.length > 0 && owed.length === 0) return ['it owes no prices: its gaps could never be told'];
  return owed.flatMap(({ partition, market, intervalMs, dueMs }) => [
    ...(polled.includes(partition) ? [] : [`it owes prices of ${partition}, which is not polled`]),
    ...(marketById(market) ? [] : [`it owes prices of the market ${market}, which is not in domain/market.ts`]),
    ...(intervalMs > 0 && dueMs >= 0 ? [] : [`what ${partition} owes has no interval, or is due before it begins`]),
  ]);
}

function lacksInChunks(of: FeedUnderTest): readonly string[] {
  const { from, to } = rangeOf(of);
  return partitionsOf(of).flatMap((partition) => {
    const chunks = chunksOf(of, partition);
    if (!chunks) return [];
    if (chunks.length === 0) return [`a backfill of ${partition} asks for nothing`];
    return [
      ...(chunks.length < 1_000
        ? []
        : [`two days of ${partition} are ${chunks.length} requests: ask for more at once`]),
      ...chunks.flatMap((chunk, place) => {
        if (chunk.from >= chunk.to) return [`a request of ${partition} is for no interval: ${chunk.request}`];
        const before = chunks[place - 1]?.from ?? 0;
        return chunk.from < before ? [`a request of ${partition} is not in order: ${chunk.request}`] : [];
      }),
      ...(covered(chunks, from, to)
        ? []
        : [`the requests of a backfill of ${partition} leave out a part of its range`]),
    ];
  });
}

function lacksInSecrecy(of: FeedUnderTest): readonly string[] {
  const settings = settingsOf(of);
  const secrets = Object.values(settings as object).flatMap((value) => (value instanceof Secret ? value.reveal() : []));
  return partitionsOf(of).flatMap((partition) =>
    (chunksOf(of, partition) ?? [])
      .filter(({ request }) => /key=|password|token/i.test(request) || secrets.some((each) => request.includes(each)))
      .slice(0, 1)
      .map(() => `a request of ${partition} has a secret in its text, which is stored and shown: send it as a header`),
  );
}

async function lacksInRefusals(of: FeedUnderTest): Promise<readonly string[]> {
  const [partition = ''] = partitionsOf(of);
  const foreign = [
    ['no such report', 'x'],
    [partition, 'https://elsewhere.example/x'],
    [partition, '../../etc/passwd'],
  ] as const;
  return withPoller(of, async (poller) => {
    const lacks: string[] = [];
    for (const [report, request] of foreign) {
      const error = await failureOf(() => poller.fetch(report, request, new AbortController().signal));
      const isRefused = isBusbarError(error, 'BAD_USER_INPUT') || error instanceof TypeError;
      if (!isRefused) lacks.push(`${report} is asked for "${request}", which is none of its requests: see isRequest`);
    }
    return lacks;
  });
}

async function lacksInPrices(of: FeedUnderTest): Promise<readonly string[]> {
  if (!of.standIn) return [];
  return withPoller(of, async (poller) => {
    const polled = await pricesOf(of, (partition) => firstOf(poller, partition, of.now));
    const filled = await pricesOf(of, async (partition) => {
      const [chunk] = chunksOf(of, partition) ?? [];
      return chunk && (await poller.fetch(partition, chunk.request, new AbortController().signal)).payload;
    });
    return [
      ...polled.lacks,
      ...filled.lacks,
      ...(polled.count > 0 ? [] : ['polls of its stand-in bring no price']),
      ...(filled.count > 0 ? [] : ['a backfill from its stand-in brings no price']),
    ];
  });
}

/**
 * So much of an answer's end is missing: a number of which digits are lost is another number. What is whole before may be
 * read.
 */
const CUT_BYTES = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 15, 20, 30];

async function lacksInCutOff(of: FeedUnderTest): Promise<readonly string[]> {
  if (!of.standIn) return [];
  const payloads = await withPoller(of, async (poller) => {
    const found: (Payload | undefined)[] = [];
    for (const partition of partitionsOf(of)) found.push(await firstOf(poller, partition, of.now));
    return found.filter((payload) => payload !== undefined);
  });
  const lacks: string[] = [];
  for (const { bytes, name } of payloads) {
    const known = new Map((await factsIn(of, { bytes, name })).map((fact) => [keyOf(fact), fact]));
    for (const cut of [...CUT_BYTES, Math.floor(bytes.length / 2)]) {
      const facts = await factsIn(of, { bytes: bytes.subarray(0, -cut), name });
      const other = facts.find((fact) => !isSaidBy(known.get(keyOf(fact)), fact));
      if (other) lacks.push(`${name} without its last ${cut} bytes has another price: ${JSON.stringify(other)}`);
    }
  }
  return lacks.slice(0, 1);
}

function keyOf({ node, run, startAt, endAt }: LmpFact): string {
  return `${node} ${run} ${startAt} ${endAt}`;
}

/** A component that is lost with the rows that say it is null, and that is no other number. */
function isSaidBy(whole: LmpFact | undefined, { lmp, energy, congestion, loss, ghg }: LmpFact): boolean {
  const isSame = (part: number | null, known: number | null) => part === null || part === known;
  return (
    whole?.lmp === lmp &&
    isSame(energy, whole.energy) &&
    isSame(congestion, whole.congestion) &&
    isSame(loss, whole.loss) &&
    isSame(ghg, whole.ghg)
  );
}

async function factsIn({ feed }: FeedUnderTest, payload: Payload): Promise<readonly LmpFact[]> {
  try {
    return (await feed.decode(payload)).facts;
  } catch (error) {
    if (isBusbarError(error)) return [];
    throw error;
  }
}

const DAMAGED = [
  '',
  '<!DOCTYPE html><html><body>Service unavailable</body></html>',
  '{"items": [',
  'PK\u0003\u0004cut',
  '\u0000\u0001',
];

async function lacksInDecoder(of: FeedUnderTest): Promise<readonly string[]> {
  const lacks: string[] = [];
  for (const name of partitionsOf(of)) {
    for (const text of DAMAGED) {
      const said = JSON.stringify(text);
      const payload = { bytes: Buffer.from(text, 'latin1'), name };
      const error = await failureOf(async () => of.feed.decode(payload));
      if (error === undefined) lacks.push(`decode takes ${said} as ${name}: throw MALFORMED, or NO_DATA`);
      else if (!isBusbarError(error))
        lacks.push(`decode of ${said} as ${name} throws no BusbarError: ${messageOf(error)}`);
      else if (error.message.length <= 10)
        lacks.push(`decode of ${said} as ${name} does not say what is wrong with it`);
    }
  }
  return lacks;
}

async function pricesOf(of: FeedUnderTest, payloadOf: (partition: string) => Promise<Payload | undefined>) {
  const market = of.source.expectations(settingsOf(of))[0]?.market;
  const lacks: string[] = [];
  let count = 0;
  for (const partition of partitionsOf(of)) {
    try {
      const payload = await payloadOf(partition);
      const { facts, rejects } = payload ? await of.feed.decode(payload) : { facts: [], rejects: [] };
      count += facts.length;
      lacks.push(...rejects.slice(0, 1).map(({ reason }) => `a record of ${partition} cannot be read: ${reason}`));
      lacks.push(
        ...facts
          .filter((fact) => !isWell(fact, market))
          .slice(0, 1)
          .map((fact) => `no price of ${market}: ${JSON.stringify(fact)}`),
      );
    } catch (error) {
      if (!isBusbarError(error, 'NO_DATA'))
        lacks.push(`${partition} of its stand-in cannot be read: ${messageOf(error)}`);
    }
  }
  return { lacks, count };
}

function isWell({ node, startAt, endAt, lmp }: LmpFact, market: string | undefined): boolean {
  return startAt < endAt && Number.isFinite(lmp) && (market === undefined || marketOf(node).id === market);
}

/** The first answer of a poll. */
async function firstOf(poller: Poller, partition: string, now: number): Promise<Payload | undefined> {
  const polling = new AbortController();
  for await (const { payload } of poller.poll(partition, undefined, now, polling.signal)) {
    polling.abort();
    return payload;
  }
  return undefined;
}

async function withPoller<T>(of: FeedUnderTest, use: (poller: Poller) => Promise<T>): Promise<T> {
  const poller = of.source.open(settingsOf(of), of.parts);
  try {
    return await use(poller);
  } finally {
    await poller.close();
  }
}

/** Those with which its stand-in is polled. */
function settingsOf({ source, standIn }: FeedUnderTest): unknown {
  return settingsFrom(source, standIn?.environment ?? {});
}

function settingsFrom({ env }: PolledSource<unknown>, environment: Environment): unknown {
  return readConfig(environment, [env]).settings(env);
}

function partitionsOf(of: FeedUnderTest): readonly string[] {
  return of.source.partitions(settingsOf(of));
}

/** Two days of a month that is over, with no change of clocks: the same question is a fair one to every source. */
function rangeOf({ now }: FeedUnderTest) {
  const from = Math.floor((now - 4 * DAY_MS) / DAY_MS) * DAY_MS;
  return { from, to: from + 2 * DAY_MS, nodes: undefined };
}

/** @returns undefined where the source cannot be asked for the past, which it says as it should. */
function chunksOf(of: FeedUnderTest, partition: string): readonly Chunk[] | undefined {
  try {
    return of.source.chunks(settingsOf(of), partition, rangeOf(of), of.now);
  } catch (error) {
    if (!isBusbarError(error, 'BAD_USER_INPUT') || /has no/.test(error.message)) throw error;
    return undefined;
  }
}

/** Gaps of less than an hour between chunks are intervals that begin on an hour's grid. */
function covered(chunks: readonly Chunk[], from: number, to: number): boolean {
  let reached = from + HOUR_MS;
  for (const chunk of chunks) {
    if (chunk.from > reached) return false;
    reached = Math.max(reached, chunk.to);
  }
  return reached >= to;
}

function repeated(names: readonly string[]): readonly string[] {
  return names.filter((name, place) => names.indexOf(name) !== place);
}

function errorIn(act: () => unknown): string {
  try {
    act();
    return '';
  } catch (error) {
    return messageOf(error);
  }
}

async function failureOf(act: () => Promise<unknown>): Promise<unknown> {
  try {
    await act();
    return undefined;
  } catch (error) {
    return error;
  }
}
