import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { FILLED, idsOf } from './filled-store.ts';

/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

type AnyField = GraphQLField<unknown, unknown>;

const DEPTH_MAX = 5;

/** A query of one to three root fields with whatever is below them, aliases and fragments, over names that there are and others. */
export function randomQuery(schema: GraphQLSchema, random: Random): string {
  const fields = Object.values(schema.getQueryType()?.getFields() ?? {});
  const fragments: string[] = [];
  const roots = Array.from({ length: 1 + below(random, 3) }, (_, place) => {
    const field = pick(random, fields);
    return `r${place}: ${writtenField(field, random, 0, fragments)}`;
  });
  return `{ ${roots.join(' ')} } ${fragments.join(' ')}`;
}

/** The least that can be asked of a field of a root: what it requires, and one thing of what it answers. */
export function plainField(field: AnyField): string {
  return fieldWith(field, field.args.filter(isRequiredArgument).map(plainArgument));
}

export function plainArgument({ name, type }: GraphQLArgument): string {
  return `${name}: ${literal(name, type, () => 0)}`;
}

/** @param args as they are written. */
export function fieldWith(field: AnyField, args: readonly string[]): string {
  const named = args.length > 0 ? `${field.name}(${args.join(', ')})` : field.name;
  return `${named} ${isLeafType(getNamedType(field.type)) ? '' : '{ __typename }'}`;
}

function writtenField(field: AnyField, random: Random, depth: number, fragments: string[]): string {
  const args = field.args.filter((arg) => isRequiredArgument(arg) || random() < 0.5).map((arg) => written(arg, random));
  const named = args.length > 0 ? `${field.name}(${args.join(', ')})` : field.name;
  return `${named} ${selectionOf(field.type, random, depth + 1, fragments)}`;
}

function selectionOf(type: GraphQLOutputType, random: Random, depth: number, fragments: string[]): string {
  const named = getNamedType(type);
  if (!isObjectType(named)) return '';
  const fields = Object.values(named.getFields());
  const wanted = fields.filter(({ type: of }) =>
    isLeafType(getNamedType(of)) ? random() < 0.4 : depth < DEPTH_MAX && random() < 0.5,
  );
  const texts = wanted.map((field, place) => {
    const alias = random() < 0.1 || field.args.length > 0 ? `a${depth}_${place}: ` : '';
    return `${alias}${writtenField(field, random, depth, fragments)}`;
  });
  const all = `{ __typename ${texts.join(' ')} }`;
  if (random() > 0.1) return all;
  const name = `F${fragments.length}`;
  fragments.push('');
  fragments[Number(name.slice(1))] = `fragment ${name} on ${named.name} ${all}`;
  return `{ ...${name} }`;
}

function written(arg: GraphQLArgument, random: Random): string {
  return `${arg.name}: ${literal(arg.name, arg.type, random)}`;
}

function literal(name: string, type: GraphQLInputType, random: Random): string {
  if (isNonNullType(type)) return literal(name, type.ofType, random);
  if (isListType(type)) {
    return `[${Array.from({ length: 1 + below(random, 3) }, () => literal(name, type.ofType, random)).join(', ')}]`;
  }
  if (isEnumType(type)) return pick(random, PREFERRED[type.name] ?? type.getValues().map((value) => value.name));
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type) || random() < 0.3);
    return `{ ${fields.map((field) => `${field.name}: ${literal(field.name, field.type, random)}`).join(', ')} }`;
  }
  const value = VALUES[name] ?? VALUES[type.name] ?? ['x'];
  const chosen = pick(random, value);
  return type.name === 'DateTime' || typeof chosen === 'string' ? JSON.stringify(chosen) : String(chosen);
}

const at = (minutes: number) => new Date(FILLED.from + minutes * MINUTE_MS).toISOString();
const NODES = [...FILLED.nodes, 'PJM:NOBODY', 'ERCOT:HB'];

/** Runs that have prices come more often. */
const PREFERRED: Readonly<Record<string, readonly string[]>> = {
  MarketRun: ['REAL_TIME_5_MIN', 'REAL_TIME_5_MIN', 'DAY_AHEAD_HOURLY', 'SPOT'],
};

/** By the argument's name, else by its type. */
const VALUES: Readonly<Record<string, readonly (string | number | boolean)[]>> = {
  nodes: NODES,
  node: NODES,
  market: [...FILLED.markets, 'ERCOT'],
  account: [...FILLED.accounts, 'nobody'],
  feed: [...FILLED.feeds, FILLED.stream, 'nothing'],
  id: [...FILLED.accounts, ...FILLED.feeds, ...FILLED.feeds.map((feed) => String(idsOf(feed))), '77'],
  ids: ['1', '3'],
  provider: ['CKW', 'CKW', 'EVU'],
  plant: ['lutersarni', 'another'],
  source: ['PJM', 'caiso', 'CKW', 'ERCOT'],
  search: ['E', 'west'],
  kind: ['HUB', 'ZONE'],
  zone: ['a zone', 'b'],
  tariffName: ['home_dynamic', 'business_dynamic'],
  base: ['home_dynamic'],
  other: ['business_dynamic'],
  date: ['2026-06-02', '2026-06-03'],
  partitions: ['0', 'away'],
  window: [60, 600],
  first: [1, 2, 50],
  maxBytes: [1, 100],
  cheapestHours: [0, 3],
  after: ['nonsense'],
  from: [at(0), at(-600), at(6)],
  to: [at(120), at(61)],
  asOf: [at(30), at(90)],
  reason: ['because'],
  authorization: ['Bearer nobody'],
  DateTime: [at(0), at(60), at(120)],
  Boolean: [true, false],
  Int: [1, 3],
  Float: [1, 10],
  Long: [1, 2],
  Decimal: ['1.5'],
};

function pick<T>(random: Random, from: readonly T[]): T {
  const picked = from[below(random, from.length)];
  if (picked === undefined) throw new TypeError('nothing to pick from');
  return picked;
}

function below(random: Random, end: number): number {
  return Math.floor(random() * end);
}
