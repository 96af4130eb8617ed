/** What every server of the bench is asked: prices of one node in five columns, by GraphQL or by their variables alone. */
export interface QuestionVariables {
  readonly nodes: readonly string[];
  readonly from: string;
  readonly to: string;
  readonly first: number;
}

const FIELDS = 'start lmp energy congestion loss';

export const QUERIES = {
  rows: `query Rows($nodes: [ID!]!, $from: DateTime!, $to: DateTime!, $first: Int) {
    lmps(nodes: $nodes, run: REAL_TIME_5_MIN, from: $from, to: $to, first: $first) { edges { node { ${FIELDS} } } }
  }`,
  columns: `query Columns($nodes: [ID!]!, $from: DateTime!, $to: DateTime!) {
    lmpSeries(nodes: $nodes, run: REAL_TIME_5_MIN, from: $from, to: $to) { ${FIELDS} }
  }`,
} as const;
