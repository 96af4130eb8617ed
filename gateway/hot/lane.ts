import type { IncomingMessage, ServerResponse } from 'node:http';
import type { GraphQLSchema } from 'graphql';
import type { Logger } from 'pino';
import { isBusbarError } from '../../domain/errors.ts';
import { marketOf } from '../../domain/market.ts';
import { inScope, may, type Rights } from '../../domain/rights.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { Answer } from '../cache/answer.ts';
import type { AnswerCache } from '../cache/answer-cache.ts';
import { sendAnswer } from '../cache/answer-http.ts';
import { isTooLong, withinTime } from '../limits/execution-time.ts';
import type { Intake } from '../limits/intake.ts';
import type { SqlCounter } from '../sql-counter.ts';
import { fromStore } from '../store-reach.ts';
import type { BoundOperation } from './hot-operation.ts';
import { type HotRequest, hotRequestFrom } from './hot-request.ts';
import { createPreparedOperations } from './prepared-operations.ts';
import type { HotStore } from './root-plan.ts';

/**
 * The short way of queries that are asked most: **prepared** once for their text, **bound** to their variables, **read** as columns
 * of finished JSON and spliced into the answer. No object is made for a row, and nothing of the GraphQL executor runs.
 *
 * Whatever is not hot, not sound, refused or failing goes the ordinary way, which then answers as if it had been asked first:
 * there is one place that knows how errors look.
 */
export interface HotLane {
  /** @returns false where the request was not answered. */
  answer(request: IncomingMessage, body: string, response: ServerResponse, rights: Rights): Promise<boolean>;
}

export interface HotLaneOptions {
  readonly schema: GraphQLSchema;
  readonly store: HotStore;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Without it, nothing is said of the store. */
  readonly sql?: SqlCounter | undefined;
  /** Without it, every answer is read. */
  readonly cache?: AnswerCache | undefined;
  readonly intake: Intake;
}

export function createHotLane({ schema, store, metrics, log, sql, cache, intake }: HotLaneOptions): HotLane {
  const { limits, persisted } = intake;
  const operations = createPreparedOperations(schema, undefined, limits.document);

  const answerTo = async (asked: HotRequest, bound: BoundOperation): Promise<Answer> => {
    // What the store was asked differs from one time to the next.
    if (cache && !sql) return cache.answer(asked, bound);
    const json = await bound.json(store);
    return new Answer(Buffer.from(sql ? withSql(json, sql) : json));
  };

  const read = async (asked: HotRequest, bound: BoundOperation): Promise<Answer | undefined> => {
    const stop = metrics.operationSeconds.startTimer({ operation: 'query' });
    try {
      const answer = await withinTime(
        fromStore(() => answerTo(asked, bound)),
        limits.executionMsMax,
      );
      stop();
      return answer;
    } catch (error) {
      // The ordinary way would take as long again.
      if (isTooLong(error)) throw error;
      metrics.hotHandedOver.inc();
      // Refusals and a store that is away are told by the ordinary way; anything else is a mistake that it would hide.
      if (!isBusbarError(error)) log.warn({ err: error }, 'hot read failed');
      return undefined;
    }
  };

  return {
    async answer(request, body, response, rights) {
      const asked = hotRequestFrom(request, body);
      const bound = asked && persisted.admits(asked.query, rights) && bind(asked);
      if (!bound || bound.cost > limits.costMax || !showsPrices(rights, bound)) return false;
      intake.letThrough(asked.query, response);
      await intake.spend(bound.cost, request, response);
      const answer = await read(asked, bound);
      if (!answer) return false;
      await sendAnswer(request, response, answer, asked.mediaType);
      return true;
    },
  };

  function bind({ query, operationName, variables }: HotRequest): BoundOperation | undefined {
    try {
      return operations.get(query, operationName)?.bind(variables);
    } catch {
      // Arguments that are refused: the ordinary way says why.
      return undefined;
    }
  }
}

/** Prices that one may not see are refused by the ordinary way, which says so. */
function showsPrices(rights: Rights, { reads }: BoundOperation): boolean {
  if (!may(rights, 'PRICES')) return false;
  if (!may(rights, 'ANALYSIS') && reads.some(({ earlier }) => earlier)) return false;
  return (
    rights.markets === 'ALL' ||
    reads.every(({ nodes }) => nodes.every((node) => inScope(rights.markets, marketOf(node).id)))
  );
}

function withSql(json: string, sql: SqlCounter): string {
  return `${json.slice(0, -1)},"extensions":{"sql":${JSON.stringify(sql.counted())}}}`;
}
