import { buildSchema, type GraphQLSchema, isScalarType } from 'graphql';
import type pg from 'pg';
import { lmpsText, lmpsValues } from '../../gateway/reads/lmps.ts';

/** The part of Busbar's schema that the bench asks for, as any server would have it: only what is asked is there, and read. */
export const PEER_SDL = `
  scalar DateTime
  enum MarketRun { REAL_TIME_5_MIN }
  type Query { lmps(nodes: [ID!]!, run: MarketRun!, from: DateTime!, to: DateTime!, first: Int): LmpConnection! }
  type LmpConnection { edges: [LmpEdge!]! }
  type LmpEdge { node: Lmp! }
  type Lmp { start: DateTime! lmp: Float! energy: Float congestion: Float loss: Float }
`;

interface Arguments {
  readonly nodes: string[];
  readonly run: 'REAL_TIME_5_MIN';
  readonly from: number;
  readonly to: number;
  readonly first: number;
}

const TEXT = lmpsText('l.interval_start AS start, l.lmp, l.energy, l.congestion, l.loss');

/** The same statement as Busbar's, with these five columns only, prepared; a row is an object as the driver makes it. */
export function resolveLmps(pool: pg.Pool) {
  return async ({ nodes, run, from, to, first }: Arguments) => {
    const { values } = lmpsValues({ nodes, run, range: { from, to }, page: { first: first - 1, after: undefined } });
    const { rows } = await pool.query({ name: 'peer', text: TEXT, values });
    return { edges: rows.map((node) => ({ node })) };
  };
}

export function peerSchema(pool: pg.Pool): GraphQLSchema {
  const schema = buildSchema(PEER_SDL);
  const lmps = schema.getQueryType()?.getFields().lmps;
  const resolve = resolveLmps(pool);
  if (lmps) lmps.resolve = (_root, args) => resolve(args);
  const dateTime = schema.getType('DateTime');
  if (isScalarType(dateTime)) Object.assign(dateTime, DATE_TIME);
  return schema;
}

export const DATE_TIME = {
  serialize: (value: unknown) => (value instanceof Date ? value.toISOString() : value),
  parseValue: (value: unknown) => Date.parse(String(value)),
};
