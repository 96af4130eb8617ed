import { setTimeout as pause } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type pg from 'pg';
import { DAY_MS } from '../../domain/instant.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import type { NodeName } from '../../domain/market.ts';
import { defineFeed, type Feed } from '../../ingestors/feed.ts';
import { type Claim, claimPartition, unowned } from '../../ingestors/pipeline/store/positions.ts';
import { PriceHistory, STEP_MS } from '../support/price-history.ts';
import { silentPipeline } from '../support/silent-pipeline.ts';
import { type CacheQuestion, cacheQuestion, DAYS, FROM } from './cache-questions.ts';

export interface CacheHunt {
  readonly pool: pg.Pool;
  /** Of gateways that keep answers; each is asked. */
  readonly urls: readonly string[];
  readonly readers: number;
  /** Asked after each answer. */
  readonly isOver: (soFar: CacheVerdict) => boolean;
}

export interface CacheVerdict {
  readonly answers: number;
  readonly commits: number;
  /** Answers that are no state between the newest commit before the question and the newest one at the answer's end. */
  readonly stale: number;
  /** The first of them. */
  readonly example: unknown;
}

/**
 * Writers commit new prices and corrections at random through the real pipeline while readers ask at random over HTTP. Every state
 * that a writer's prices ever had is known, so that an answer which is older or newer than it may be is told from one that is not.
 */
export async function huntStaleAnswers({ pool, urls, readers, isOver }: CacheHunt): Promise<CacheVerdict> {
  const writers = await Promise.all(PARTITIONS.map((partition) => writerOf(pool, partition)));
  const verdict = { answers: 0, commits: 0, stale: 0, example: undefined as unknown };
  const writing = writers.map(async (writer) => {
    while (!isOver(verdict)) {
      await writer.commit();
      verdict.commits++;
      if (Math.random() < QUIET_CHANCE) await pause(Math.random() * QUIET_MS_MAX);
    }
  });
  const reading = Array.from({ length: readers }, async (_, reader) => {
    for (let turn = reader; !isOver(verdict); turn++) {
      const { history, nextQuestion } = pickOf(writers);
      const question = nextQuestion();
      const [oldest, url] = [history.done, urls[turn % urls.length] ?? ''];
      const answer = await ask(url, question);
      verdict.answers++;
      const states = Array.from({ length: history.begun - oldest + 1 }, (_, place) => oldest + place);
      if (states.some((commit) => isDeepStrictEqual(answer, { data: question.dataAt(commit) }))) continue;
      verdict.stale++;
      verdict.example ??= { question: question.variables, answer, oldest: question.dataAt(oldest), states };
    }
  });
  await Promise.all([...writing, ...reading]);
  return verdict;
}

/** For the negative control: commits write as ever, and what they say of it comes to nothing. */
export async function keepStill(pool: pg.Pool): Promise<void> {
  await pool.query(`
    CREATE FUNCTION keep_still() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER keep_still BEFORE INSERT OR UPDATE ON read_revision FOR EACH ROW EXECUTE FUNCTION keep_still()`);
}

/** Writers write in bursts: while they write, hardly an answer lives until it is asked for again. */
const QUIET_CHANCE = 0.2;
const QUIET_MS_MAX = 1_000;

/** Two that are owned, and one that anybody commits to, as files are. */
const PARTITIONS = ['0', '1', 'file'] as const;

interface Writer {
  readonly history: PriceHistory;
  /** Often one that was asked a moment ago. */
  nextQuestion(): CacheQuestion;
  commit(): Promise<void>;
}

const RECENT_QUESTIONS = 4;

async function writerOf(pool: pg.Pool, partition: string): Promise<Writer> {
  const history = new PriceHistory();
  const nodes = ['A', 'B', 'C'].map((name) => `PJM:${partition}-${name}` as NodeName);
  const pipeline = silentPipeline(pool);
  const claim: Claim =
    partition === 'file' ? unowned(FEED.id, partition) : await claimPartition(pool, FEED.id, partition, 'hunt');
  const recent: CacheQuestion[] = [];
  let sequence = 0;
  return {
    history,
    nextQuestion() {
      if (recent.length === RECENT_QUESTIONS && Math.random() < 0.5) return pickOf(recent);
      const question = cacheQuestion(history, nodes, Math.random);
      recent.splice(0, recent.length - RECENT_QUESTIONS + 1);
      recent.push(question);
      return question;
    },
    async commit() {
      const facts = randomFacts(nodes);
      const commit = history.begin(facts);
      const payload = { bytes: Buffer.from(JSON.stringify(facts)), name: FEED.id };
      sequence++;
      const items = [{ payload, publishedAt: PUBLISHED_AT + sequence, publishedSeq: sequence, position: sequence }];
      const isOwned = claim.epoch !== null;
      const unit = { next: isOwned ? sequence + 1 : undefined, request: null, items, lag: null } as const;
      await pipeline.ingest(FEED, claim, { ...unit, kind: isOwned ? 'BATCH' : 'RETRY' });
      history.done = commit;
    },
  };
}

const PUBLISHED_AT = Date.UTC(2026, 2, 20);

/** Prices are eighths, so that their means are exact however they are added up. */
function randomFacts(nodes: readonly NodeName[]): LmpFact[] {
  const node = pickOf(nodes);
  const day = FROM + Math.floor(Math.random() * DAYS) * DAY_MS;
  const first = day + Math.floor(Math.random() * 288) * STEP_MS;
  const count = Math.random() < 0.7 ? 1 : 1 + Math.floor(Math.random() * 60);
  const starts = Array.from({ length: count }, (_, place) => first + place * STEP_MS);
  return starts
    .filter((startAt) => startAt < FROM + DAYS * DAY_MS)
    .map((startAt) => ({
      node,
      run: 'REAL_TIME_5_MIN',
      startAt,
      endAt: startAt + STEP_MS,
      lmp: Math.floor(Math.random() * 800) / 8,
      energy: null,
      congestion: null,
      loss: null,
      ghg: null,
    }));
}

const FEED: Feed = defineFeed({
  id: 'hunted-prices',
  family: 'lmp',
  title: 'Prices of the hunt',
  source: { kind: 'topic', topic: 'hunted-prices', several: true },
  unknownNodes: 'register',
  decode: ({ bytes }) => ({ facts: JSON.parse(bytes.toString()) as LmpFact[], rejects: [] }),
});

/** By a connection of its own: one that is kept alive may be closed by the gateway as the question is sent. */
async function ask(url: string, { query, variables }: { query: string; variables: object }): Promise<unknown> {
  const headers = { 'content-type': 'application/json', connection: 'close' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify({ query, variables }) });
  return response.json();
}

function pickOf<T>(choices: readonly T[]): T {
  const picked = choices[Math.floor(Math.random() * choices.length)];
  if (picked === undefined) throw new RangeError('nothing to pick from');
  return picked;
}
