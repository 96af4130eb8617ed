import { DAY_MS, isoFromInstant } from '../../domain/instant.ts';
import { LMP_CURSOR } from '../../schema/lmp.ts';
import { END_AT, nodeAt, type Shape, STEP_MS } from './shape.ts';

/** What is asked of every store; each question is of other nodes and another time, anywhere in its history. */
export interface Case {
  readonly query: string;
  /** Of each store, behind those that warm it up. */
  readonly questions: number;
  variables(shape: Shape): Readonly<Record<string, unknown>>;
  /** How many prices an answer shows, at least. */
  readonly pricesMin: number;
}

const RUN = 'REAL_TIME_5_MIN';
const POINTS = 100;
const PAGE_NODES = 10;
const LATEST_NODES = 50;
const MONTH_NODES = 10;

const FIELDS = 'start lmp energy congestion loss';
const PAGE = `query Page($nodes: [ID!]!, $from: DateTime!, $to: DateTime!, $after: String) {
  lmps(nodes: $nodes, run: ${RUN}, from: $from, to: $to, first: ${POINTS}, after: $after) {
    edges { cursor node { node { id } ${FIELDS} } } pageInfo { hasNextPage }
  }
}`;
const SERIES = `query Series($nodes: [ID!]!, $from: DateTime!, $to: DateTime!, $resolution: Resolution!) {
  lmpSeries(nodes: $nodes, run: ${RUN}, from: $from, to: $to, resolution: $resolution) { node { id } ${FIELDS} }
}`;
const LATEST = `query Latest($nodes: [ID!]!) { latestLmp(nodes: $nodes, run: ${RUN}) { node { id } ${FIELDS} } }`;

/** @param days that a month has here: 31, or what the smallest store holds. */
export function casesOf(days: number) {
  return {
    points100: {
      query: SERIES,
      questions: 2_000,
      pricesMin: POINTS,
      variables: (shape) => ({ nodes: someNodes(shape, 1), resolution: 'RAW', ...someRange(shape, POINTS) }),
    },
    firstPage: {
      query: PAGE,
      questions: 1_000,
      pricesMin: POINTS,
      variables: (shape) => ({ nodes: someNodes(shape, PAGE_NODES), ...wholeRange(shape) }),
    },
    deepPage: {
      query: PAGE,
      questions: 1_000,
      pricesMin: POINTS,
      variables: (shape) => {
        const nodes = someNodes(shape, PAGE_NODES);
        const startAt = Date.parse(someRange(shape, POINTS).from);
        return { nodes, ...wholeRange(shape), after: LMP_CURSOR.encode({ startAt, node: nodes[0] ?? '' }) };
      },
    },
    latest50: {
      query: LATEST,
      questions: 1_000,
      pricesMin: LATEST_NODES,
      variables: (shape) => ({ nodes: someNodes(shape, LATEST_NODES) }),
    },
    monthByDay: {
      query: SERIES,
      questions: 100,
      // One day fewer where the clocks are changed in between.
      pricesMin: MONTH_NODES * (days - 1),
      variables: (shape) => ({ nodes: someNodes(shape, MONTH_NODES), resolution: 'DAY', ...someDays(shape, days) }),
    },
  } as const satisfies Readonly<Record<string, Case>>;
}

/** Distinct ones. */
function someNodes({ nodes }: Shape, count: number): string[] {
  const places = new Set<number>();
  while (places.size < count) places.add(below(nodes));
  return [...places].map(nodeAt);
}

function someRange({ startAt, intervals }: Shape, count: number) {
  const from = startAt + below(intervals - count + 1) * STEP_MS;
  return rangeOf(from, from + count * STEP_MS);
}

function wholeRange({ startAt }: Shape) {
  return rangeOf(startAt, END_AT);
}

/** Of days of the market, those that start in the range. */
function someDays({ startAt, intervals }: Shape, days: number) {
  const from = startAt + below(intervals - (days * DAY_MS) / STEP_MS) * STEP_MS;
  return rangeOf(from, from + days * DAY_MS);
}

function rangeOf(from: number, to: number) {
  return { from: isoFromInstant(from), to: isoFromInstant(to) };
}

function below(count: number): number {
  return Math.floor(Math.random() * count);
}
