import { DAY_MS } from '../../domain/instant.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Computation } from '../hot/hot-operation.ts';
import type { HotRequest } from '../hot/hot-request.ts';
import type { HotStore, ReadSet } from '../hot/root-plan.ts';
import { Answer } from './answer.ts';
import { answerKey } from './answer-key.ts';
import type { AnswerMemory } from './answer-memory.ts';
import { readRevisions, readStoreIdentity } from './read-revisions.ts';
import type { SharedAnswers } from './shared-answers.ts';

/**
 * Keeps answers under everything that they are a function of: the question, and what commits have said of the facts it reads. Each
 * request asks the store for the latter first, so that nothing is ever served which is older than the last commit before it; what
 * is kept and no longer asked for falls out by itself. Many that ask the same at once wait for one computation.
 */
export interface AnswerCache {
  /** @throws whatever computing throws, which is not kept. */
  answer(asked: HotRequest, bound: Computation): Promise<Answer>;
  close(): void;
}

export interface AnswerCacheParts {
  readonly store: HotStore;
  readonly memory: AnswerMemory;
  /** Undefined: answers are kept in this process alone. */
  readonly shared: SharedAnswers | undefined;
  readonly metrics: Pick<Metrics, 'cacheRequests'>;
}

type Outcome = 'hit' | 'miss' | 'bypass' | 'error';

/** The store drops prices of ten years ago without a commit: well before, nothing is kept of them. */
const DROPPED_MS = 3_650 * DAY_MS - 30 * DAY_MS;
/** Operators correct prices for weeks; what is older than this stays as it is, and worth keeping. */
const CORRECTED_MS = 90 * DAY_MS;
const SETTLED_SECONDS = 86_400;
const UNSETTLED_SECONDS = 600;

export function createAnswerCache({ store, memory, shared, metrics }: AnswerCacheParts): AnswerCache {
  const underWay = new Map<string, Promise<Answer>>();
  const told = (outcome: Outcome) => metrics.cacheRequests.inc({ outcome });
  let identity: Promise<string> | undefined;
  const identityOf = () => {
    identity ??= readStoreIdentity(store.db).catch((error) => {
      identity = undefined;
      throw error;
    });
    return identity;
  };

  const computed = async (bound: Computation, now: number) =>
    new Answer(Buffer.from(await bound.json({ ...store, clock: () => now })));

  const keyFor = async (asked: HotRequest, reads: readonly ReadSet[], now: number) => {
    const [known, revisions] = await Promise.all([identityOf(), readRevisions(store.db, reads)]);
    return answerKey({ identity: known, asked, reads, revisions, now });
  };

  const found = async (key: string): Promise<{ answer?: Answer; outcome: Outcome }> => {
    try {
      const packed = await shared?.get(key);
      return packed ? { answer: await Answer.unpacked(packed), outcome: 'hit' } : { outcome: 'miss' };
    } catch {
      return { outcome: 'error' };
    }
  };

  const foundOrComputed = async (key: string, bound: Computation, now: number) => {
    const { answer, outcome } = await found(key);
    told(outcome);
    if (answer) return answer;
    const made = await computed(bound, now);
    // Whoever asked does not wait for it. What cannot be compressed is not shared.
    if (shared) void share(shared, key, made, secondsFor(bound.reads, now)).catch(() => {});
    return made;
  };

  const share = async (others: SharedAnswers, key: string, answer: Answer, seconds: number) => {
    others.keep(key, await answer.packed(), seconds);
  };

  const remembered = async (key: string, coming: Promise<Answer>) => {
    try {
      const answer = await coming;
      memory.keep(key, answer);
      return answer;
    } finally {
      underWay.delete(key);
    }
  };

  return {
    async answer(asked, bound) {
      const now = store.clock();
      if (!(await isExact(bound.reads, store, now))) {
        told('bypass');
        return computed(bound, now);
      }
      const key = await keyFor(asked, bound.reads, now).catch(() => undefined);
      if (key === undefined) {
        told('error');
        return computed(bound, now);
      }
      const kept = memory.get(key) ?? underWay.get(key);
      if (kept) {
        told('hit');
        return kept;
      }
      const coming = remembered(key, foundOrComputed(key, bound, now));
      underWay.set(key, coming);
      return coming;
    },
    close: () => shared?.close(),
  };
}

/** Whether an answer is a function of what commits speak of, and of nothing else. */
async function isExact(reads: readonly ReadSet[], store: HotStore, now: number): Promise<boolean> {
  if (reads.length === 0 || reads.some(({ range }) => range && range.from < now - DROPPED_MS)) return false;
  return !reads.some(({ fromRollups }) => fromRollups) || (await store.rollups()) !== 'kept';
}

function secondsFor(reads: readonly ReadSet[], now: number): number {
  const isSettled = reads.every(({ range }) => range && range.to < now - CORRECTED_MS);
  return isSettled ? SETTLED_SECONDS : UNSETTLED_SECONDS;
}
