import { DAY_MS, HOUR_MS, isoFromInstant } from '../../domain/instant.ts';
import type { NodeName } from '../../domain/market.ts';
import { type PriceHistory, STEP_MS } from '../support/price-history.ts';

/** A question about one writer's nodes, and what the answer's data is in the state after one of its commits. */
export interface CacheQuestion {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
  readonly dataAt: (commit: number) => unknown;
}

/** Where the prices of the hunt lie, all in the past. */
export const FROM = Date.UTC(2026, 2, 2);
export const DAYS = 3;

const QUERIES = {
  lmps: `query ($nodes: [ID!]!, $from: DateTime!, $to: DateTime!, $first: Int) {
    lmps(nodes: $nodes, run: REAL_TIME_5_MIN, from: $from, to: $to, first: $first) {
      edges { node { start lmp revision node { id } } } pageInfo { hasNextPage }
    } }`,
  latest: `query ($nodes: [ID!]!) { latestLmp(nodes: $nodes, run: REAL_TIME_5_MIN) { start lmp revision node { id } } }`,
  raw: `query ($nodes: [ID!]!, $from: DateTime!, $to: DateTime!) {
    lmpSeries(nodes: $nodes, run: REAL_TIME_5_MIN, from: $from, to: $to) { node { id } start lmp } }`,
  hours: `query ($nodes: [ID!]!, $from: DateTime!, $to: DateTime!) {
    lmpSeries(nodes: $nodes, run: REAL_TIME_5_MIN, from: $from, to: $to, resolution: HOUR) { node { id } start lmp } }`,
} as const;

/** @param random of [0, 1). Few different ranges, so that the same is asked again. */
export function cacheQuestion(history: PriceHistory, all: readonly NodeName[], random: () => number): CacheQuestion {
  const pick = <const T>(choices: readonly [T, ...T[]]): T =>
    choices[Math.floor(random() * choices.length)] ?? choices[0];
  const nodes = random() < 0.5 ? all : all.slice(0, 1);
  const from = FROM + pick([0, 1, 2]) * DAY_MS + pick([0, 6]) * HOUR_MS;
  const to = from + pick([HOUR_MS, 6 * HOUR_MS, DAY_MS]);
  const kind = pick<keyof typeof QUERIES>(['lmps', 'latest', 'raw', 'hours']);
  const first = pick([5, 500]);
  const data = DATA[kind];
  const range = { from: isoFromInstant(from), to: isoFromInstant(to) };
  const variables = { nodes, ...(kind !== 'latest' && range), ...(kind === 'lmps' && { first }) };
  return { query: QUERIES[kind], variables, dataAt: (commit) => data({ history, nodes, from, to, first, commit }) };
}

interface Asked {
  readonly history: PriceHistory;
  readonly nodes: readonly NodeName[];
  readonly from: number;
  readonly to: number;
  readonly first: number;
  readonly commit: number;
}

function lmps({ history, nodes, from, to, first, commit }: Asked) {
  const rows = [...nodes]
    .sort()
    .flatMap((node) => history.startsAt(node, from, to, commit).map((startAt) => ({ node, startAt })))
    .sort((a, b) => a.startAt - b.startAt);
  const edges = rows.slice(0, first).map((row) => ({ node: rowOf(history, row, commit) }));
  return { lmps: { edges, pageInfo: { hasNextPage: rows.length > first } } };
}

function latest({ history, nodes, commit }: Asked) {
  const rows = nodes.flatMap((node) => {
    const startAt = history.startsAt(node, FROM, FROM + DAYS * DAY_MS, commit).at(-1);
    return startAt === undefined ? [] : [rowOf(history, { node, startAt }, commit)];
  });
  return { latestLmp: rows };
}

function rowOf(history: PriceHistory, { node, startAt }: { node: NodeName; startAt: number }, commit: number) {
  const { lmp, revision } = history.priceAt(node, startAt, commit) ?? {};
  return { start: isoFromInstant(startAt), lmp, revision, node: { id: node } };
}

function series(stepMs: number) {
  return ({ history, nodes, from, to, commit }: Asked) => {
    const starts = Array.from({ length: (to - from) / stepMs }, (_, place) => from + place * stepMs);
    const lmpOf = (node: NodeName, start: number) =>
      stepMs === STEP_MS ? (history.priceAt(node, start, commit)?.lmp ?? null) : history.hourAt(node, start, commit);
    return {
      lmpSeries: nodes.map((node) => ({
        node: { id: node },
        start: starts.map(isoFromInstant),
        lmp: starts.map((start) => lmpOf(node, start)),
      })),
    };
  };
}

const DATA: Readonly<Record<keyof typeof QUERIES, (asked: Asked) => unknown>> = {
  lmps,
  latest,
  raw: series(STEP_MS),
  hours: series(HOUR_MS),
};
