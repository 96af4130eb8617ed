import {
  type GraphQLArgument,
  type GraphQLInputType,
  getNamedType,
  getNullableType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isRequiredArgument,
} from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { schema } from '../schema/schema.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { FILLED, fillStore } from './support/rights/filled-store.ts';
import { fieldWith, plainArgument } from './support/rights/random-query.ts';
import { type StoreGateway, startStoreGateway } from './support/store-gateway.ts';

/** What would make a table, or bring down a query, wherever one of them became part of a statement. */
const HOSTILE = [
  `'; CREATE TABLE taken (); --`,
  `"; CREATE TABLE taken (); --`,
  `') ; CREATE TABLE taken (); SELECT ('`,
  `$1; CREATE TABLE taken ()`,
  `$$; CREATE TABLE taken (); $$`,
  `\\'; CREATE TABLE taken (); --`,
  `' OR '1'='1`,
  `PJM:' OR 'a'='a`,
  `%`,
  `{"a":{"$gt":""}}`,
  `\u0000`,
  `\ud800`,
  `PJM:${'x'.repeat(5_000)}`,
  `../../etc/passwd`,
];

let db: TestDatabase;
let gateway: StoreGateway;
beforeAll(async () => {
  db = await freshDatabase();
  await fillStore(db.pool);
  gateway = await startStoreGateway({ db, clock: () => FILLED.now, cacheBytes: 1_000_000 });
});
afterAll(async () => {
  await gateway.close();
  await db.drop();
});

const FIELDS = [schema.getQueryType(), schema.getMutationType()].flatMap((type) =>
  Object.values(type?.getFields() ?? {}).flatMap((field) =>
    field.args
      .filter(({ type: of }) => takesText(of))
      .map((arg) => ({ root: type?.name.toLowerCase() ?? '', field, arg, name: `${field.name}(${arg.name}:)` })),
  ),
);

describe('SQL in a text', () => {
  test.each(FIELDS)('is a text like any other in $name', async ({ root, field, arg }) => {
    const others = field.args.filter((each) => each !== arg && isRequiredArgument(each)).map(plainArgument);
    const before = root === 'query' ? await everything() : undefined;
    for (const text of HOSTILE) {
      for (const written of writtenWith(arg, text)) {
        const { errors = [] } = await gateway.ask(`${root} { ${fieldWith(field, [...others, written])} }`);
        expect(errors.map(({ extensions }) => extensions.code)).not.toContain('INTERNAL_SERVER_ERROR');
      }
    }
    const { rows } = await db.pool.query(`SELECT to_regclass('taken') AS taken`);
    expect(rows).toEqual([{ taken: null }]);
    if (before) expect(await everything()).toEqual(before);
  });

  test('would be seen if it ran', async () => {
    await db.pool.query(`SELECT '' ${HOSTILE[0]?.slice(1)}`);
    const { rows } = await db.pool.query(`SELECT to_regclass('taken') IS NOT NULL AS seen`);
    expect(rows).toEqual([{ seen: true }]);
  });
});

/** What a cursor may name that no list has: numbers that no column holds, and instants that nobody can write down. */
const NUMBERS = [0, -1, 2 ** 31, 8.64e15, 8.64e15 + 1, Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER, 1e300, 0.5];
const LISTS: Readonly<Record<string, (number: number) => unknown>> = {
  lmps: (startAt) => ({ startAt, node: 'PJM:A' }),
  trades: (ts) => ({ ts, tradeId: 'T-1' }),
};

describe('A cursor that was made up', () => {
  const pages = FIELDS.filter(({ arg, root }) => arg.name === 'after' && root === 'query');

  test('is of a list that there is', () => {
    expect(pages.map(({ field }) => field.name)).toEqual(expect.arrayContaining(Object.keys(LISTS)));
  });

  test.each(pages)('is a place like any other, or refused, in $name', async ({ field, arg }) => {
    const others = field.args.filter((each) => each !== arg && isRequiredArgument(each)).map(plainArgument);
    const codes = new Set<unknown>();
    for (const number of NUMBERS) {
      const place = [field.name, LISTS[field.name]?.(number) ?? number];
      const after = `after: "${Buffer.from(JSON.stringify(place)).toString('base64url')}"`;
      const { errors = [] } = await gateway.ask(`{ ${fieldWith(field, [...others, after])} }`);
      for (const { extensions } of errors) codes.add(extensions.code);
    }
    expect([...codes].filter((code) => code !== 'BAD_USER_INPUT')).toEqual([]);
  });
});

/** How many rows each table has, of those that queries leave alone. */
async function everything() {
  const { rows } = await db.pool.query<{ name: string; rows: string }>(
    `SELECT relname AS name, (xpath('/row/c/text()', query_to_xml(format('SELECT count(*) AS c FROM %I', relname), false, true, '')))[1]::text AS rows
     FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'audit_entry' ORDER BY 1`,
  );
  return rows;
}

function takesText(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  if (!isInputObjectType(named)) return named.name === 'String' || named.name === 'ID';
  return Object.values(named.getFields()).some((field) => takesText(field.type));
}

/** The argument with the text in each place that takes one. */
function writtenWith({ name, type }: GraphQLArgument, text: string): string[] {
  return valuesWith(type, text).map((value) => `${name}: ${value}`);
}

function valuesWith(type: GraphQLInputType, text: string): string[] {
  const bare = getNullableType(type);
  if (isListType(bare)) return valuesWith(bare.ofType, text).map((value) => `[${value}]`);
  if (!isInputObjectType(bare)) return [JSON.stringify(text)];
  const fields = Object.values(bare.getFields());
  const plain = (except: string) =>
    fields
      .filter((field) => field.name !== except && isNonNullType(field.type))
      .map((field) => plainArgument(argumentOf(field)));
  return fields
    .filter((field) => takesText(field.type))
    .flatMap((field) =>
      valuesWith(field.type, text).map(
        (value) => `{ ${[...plain(field.name), `${field.name}: ${value}`].join(', ')} }`,
      ),
    );
}

/** Fields of inputs are written as arguments are. */
function argumentOf({ name, type }: { name: string; type: GraphQLInputType }): GraphQLArgument {
  return {
    name,
    type,
    description: null,
    defaultValue: undefined,
    deprecationReason: null,
    extensions: {},
    astNode: null,
  };
}
