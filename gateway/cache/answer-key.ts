import { createHash } from 'node:crypto';
import { DAY_MS, MINUTE_MS } from '../../domain/instant.ts';
import type { HotRequest } from '../hot/hot-request.ts';
import type { ReadSet } from '../hot/root-plan.ts';

/** To be raised whenever the same facts make another answer than before, so that processes of two versions do not share any. */
const FORMAT = 1;

/** What an answer is a function of. Not of rights: whoever may not see all of it is never answered by the hot lane. */
export interface AnswerKeyParts {
  /** Which store. */
  readonly identity: string;
  readonly asked: Pick<HotRequest, 'query' | 'operationName' | 'variables'>;
  readonly reads: readonly ReadSet[];
  /** What commits have said of what is read. */
  readonly revisions: string;
  /** Milliseconds UTC. */
  readonly now: number;
}

export function answerKey({ identity, asked, reads, revisions, now }: AnswerKeyParts): string {
  const { query, operationName = null, variables } = asked;
  const times = reads.map((read) => timeOf(read, now));
  const parts = [FORMAT, identity, query, operationName, canonical(variables), revisions, times];
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

/** Every point begins and ends at a multiple of it: where the future begins moves no sooner. */
const STEP_MS = 5 * MINUTE_MS;

/** As much of the time as the answer depends on. The newest price of a node may be dropped for its age, once a day. */
function timeOf({ range, moves }: ReadSet, now: number): number | null {
  if (!range) return Math.floor(now / DAY_MS);
  return moves && range.to > now ? Math.floor(now / STEP_MS) : null;
}

/** The same for objects whose fields come in another order. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, below]) => [name, canonical(below)]);
}
