import { isoFromInstant } from '../../domain/instant.ts';

/** What every server of the bench is asked: prices of one node in five columns, by GraphQL or by their variables alone. */
export interface Question {
  readonly node: string;
  /** Milliseconds UTC, as `to`. */
  readonly from: number;
  readonly to: number;
  readonly points: number;
}

const FIELDS = 'start lmp energy congestion loss';

/** The question as one or another schema has it. */
interface Wording {
  readonly query: string;
  variables(question: Question): Readonly<Record<string, unknown>>;
  /** The answer as `rows` and `columns` have it, where another schema puts it otherwise. */
  answerFrom?(answer: unknown): unknown;
}

export const WORDINGS = {
  rows: {
    query: `query Rows($nodes: [ID!]!, $from: DateTime!, $to: DateTime!, $first: Int) {
      lmps(nodes: $nodes, run: REAL_TIME_5_MIN, from: $from, to: $to, first: $first) { edges { node { ${FIELDS} } } }
    }`,
    variables: ({ points, ...question }) => ({ ...nodesAndRange(question), first: points }),
  },
  columns: {
    query: `query Columns($nodes: [ID!]!, $from: DateTime!, $to: DateTime!) {
      lmpSeries(nodes: $nodes, run: REAL_TIME_5_MIN, from: $from, to: $to) { ${FIELDS} }
    }`,
    variables: nodesAndRange,
  },
  /** Of a function of the store, as PostGraphile makes a field of it. */
  ofFunction: {
    query: `query OfFunction($node: String!, $from: Datetime!, $to: Datetime!, $first: Int!) {
      prices(node: $node, starts: $from, ends: $to, first: $first) { nodes { ${FIELDS} } }
    }`,
    variables: ({ node, from, to, points }) => ({
      node,
      from: isoFromInstant(from),
      to: isoFromInstant(to),
      first: points,
    }),
    answerFrom: rowsFromFunction,
  },
} as const satisfies Readonly<Record<string, Wording>>;

export type WordingName = keyof typeof WORDINGS;

/** @throws where it is not an answer. */
export function answerIn(wording: WordingName, text: string): unknown {
  const { answerFrom = (answer: unknown) => answer }: Wording = WORDINGS[wording];
  return answerFrom(JSON.parse(text));
}

function nodesAndRange({ node, from, to }: Omit<Question, 'points'>) {
  return { nodes: [node], from: isoFromInstant(from), to: isoFromInstant(to) };
}

interface FunctionAnswer {
  readonly data: { readonly prices: { readonly nodes: readonly { readonly start: string }[] } };
}

/** Its instants are Postgres' own: with an offset, and with as many digits as there are. */
function rowsFromFunction(answer: unknown): unknown {
  const { nodes } = (answer as FunctionAnswer).data.prices;
  const edges = nodes.map((node) => ({ node: { ...node, start: isoFromInstant(Date.parse(node.start)) } }));
  return { data: { lmps: { edges } } };
}
