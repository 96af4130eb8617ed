import fc from 'fast-check';

/** The body of a GraphQL request by POST. */
export interface Question {
  readonly query: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/**
 * Random queries of the fields that have plans of their own, and a few that have none: aliases, fragments, conditions, variables
 * and literals, sound arguments and refused ones.
 */
export function randomQuestion(): fc.Arbitrary<Question> {
  return fc.array(rootField(), { minLength: 1, maxLength: 2 }).map((fields) => {
    const variables: Record<string, unknown> = { yes: true, no: false };
    const definitions = ['$yes: Boolean!', '$no: Boolean! = true'];
    const fragments: string[] = [];
    const texts = fields.map((write, place) => write({ place, variables, definitions, fragments }));
    return { query: `query (${definitions.join(', ')}) { ${texts.join(' ')} } ${fragments.join(' ')}`, variables };
  });
}

/** What a document is written into. */
interface Document {
  readonly place: number;
  readonly variables: Record<string, unknown>;
  readonly definitions: string[];
  readonly fragments: string[];
}

type Written = (document: Document) => string;

const MARKET = ['id', 'name', 'operator', 'timeZone', 'currency'];
const RUNS = ['REAL_TIME_5_MIN', 'REAL_TIME_5_MIN', 'DAY_AHEAD_HOURLY', 'SPOT'];
const NODES = ['PJM:A', 'CAISO:B', 'MISO:OFF', 'PJM:Ü "quoted"', 'PJM:NOBODY'];

const market = () => selection('Market', MARKET, {});
const node = () => selection('PricingNode', ['id', 'name'], { market: market() });
const nodeWithMore = () =>
  fc.oneof({ weight: 12, arbitrary: node() }, { weight: 1, arbitrary: fc.constant<Written>(() => '{ id kind }') });
const lmp = () =>
  selection(
    'Lmp',
    [
      'run',
      'start',
      'end',
      'hourEnding',
      'onPeak',
      'lmp',
      'energy',
      'congestion',
      'loss',
      'ghg',
      'revision',
      'quality',
      'publishedAt',
    ],
    { node: nodeWithMore() },
  );
const series = () =>
  selection(
    'LmpSeries',
    ['run', 'resolution', 'start', 'lmp', 'energy', 'congestion', 'loss', 'min', 'max', 'open', 'close'],
    { node: nodeWithMore() },
  );
const connection = () =>
  selection('LmpConnection', [], {
    edges: selection('LmpEdge', ['cursor'], { node: lmp() }),
    pageInfo: selection('PageInfo', ['hasNextPage', 'hasPreviousPage', 'startCursor', 'endCursor'], {}),
  });

function rootField(): fc.Arbitrary<Written> {
  const field = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(fc.constant('lmps'), rangeArguments(pageArguments()), connection()) },
    { weight: 4, arbitrary: fc.tuple(fc.constant('lmpSeries'), rangeArguments(seriesArguments()), series()) },
    { weight: 3, arbitrary: fc.tuple(fc.constant('latestLmp'), nodeArguments(), lmp()) },
  );
  return fc.oneof(
    {
      weight: 12,
      arbitrary: field.map(
        ([name, given, below]): Written =>
          (document) =>
            `r${document.place}: ${name}(${given.map((each) => each(document)).join(', ')}) ${below(document)}`,
      ),
    },
    { weight: 1, arbitrary: fc.constant<Written>(({ place }) => `t${place}: __typename`) },
    { weight: 1, arbitrary: fc.constant<Written>(() => '__typename @skip(if: $yes)') },
  );
}

const RUN = fc.constantFrom(...RUNS);
const NODE_LIST = fc.oneof(
  { weight: 60, arbitrary: fc.array(fc.constantFrom(...NODES), { minLength: 1, maxLength: 5 }) },
  { weight: 1, arbitrary: fc.constantFrom<unknown[]>([], ['NOWHERE:A'], ['PJM:\u0000'], ['PJM:A', null], [12]) },
  { weight: 1, arbitrary: fc.constant<unknown>('PJM:A') },
);
const INSTANT = fc.oneof(
  { weight: 60, arbitrary: fc.integer({ min: -60, max: 40 * 60 }).map((minute) => instant(minute)) },
  { weight: 1, arbitrary: fc.constantFrom<unknown>('2024-11-03', 'soon', null, 5, '2024-11-03T01:00:00.123-05:00') },
);

function instant(minute: number): string {
  return new Date(Date.parse('2024-11-03T00:00:00Z') + minute * 60_000).toISOString();
}

function nodeArguments(): fc.Arbitrary<Written[]> {
  return fc.tuple(argument('nodes', '[ID!]!', NODE_LIST), argument('run', 'MarketRun!', RUN, isEnum));
}

function rangeArguments(more: fc.Arbitrary<Written[]>): fc.Arbitrary<Written[]> {
  const range = fc.tuple(INSTANT, INSTANT).map(([a, b]) => (String(a) < String(b) ? [a, b] : [b, a]));
  const both = range.chain(([from, to]) =>
    fc.tuple(argument('from', 'DateTime!', fc.constant(from)), argument('to', 'DateTime!', fc.constant(to))),
  );
  return fc.tuple(nodeArguments(), both, more).map((lists) => lists.flat());
}

function pageArguments(): fc.Arbitrary<Written[]> {
  const cursors = [
    ['lmps', { startAt: Date.parse('2024-11-03T01:00:00Z'), node: 'PJM:A' }],
    ['nodes', 'PJM:A'],
  ];
  const after = cursors.map((cursor) => Buffer.from(JSON.stringify(cursor)).toString('base64url'));
  return fc
    .tuple(
      optional(argument('first', 'Int', mostly([1, 3, 50, 500, null], [0, 20_000, 1.5]))),
      optional(argument('after', 'String', mostly([after[0], null], [after[1], 'x']))),
    )
    .map((lists) => lists.flat());
}

function seriesArguments(): fc.Arbitrary<Written[]> {
  const resolutions = ['RAW', 'RAW', 'FIFTEEN_MINUTES', 'HOUR', 'DAY', 'MONTH', null];
  return fc
    .tuple(
      optional(argument('resolution', 'Resolution', fc.constantFrom<unknown>(...resolutions), isEnum)),
      optional(argument('asOf', 'DateTime', INSTANT)),
      optional(argument('block', 'Block', fc.constantFrom<unknown>('ATC', 'ON_PEAK', 'OFF_PEAK', null), isEnum)),
    )
    .map((lists) => lists.flat());
}

function mostly(sound: readonly unknown[], refused: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...sound) },
    { weight: 1, arbitrary: fc.constantFrom(...refused) },
  );
}

function optional(written: fc.Arbitrary<Written>): fc.Arbitrary<Written[]> {
  return fc.option(written, { nil: undefined }).map((each) => (each ? [each] : []));
}

const isEnum = (value: unknown) => String(value);

/** As a literal, as a variable, or as a variable's default. */
function argument(
  name: string,
  type: string,
  value: fc.Arbitrary<unknown>,
  literal: (value: unknown) => string = (given) => JSON.stringify(given),
): fc.Arbitrary<Written> {
  return fc.tuple(value, fc.constantFrom('literal', 'literal', 'variable', 'default')).map(
    ([given, as]): Written =>
      ({ place, variables, definitions }) => {
        if (as === 'literal') return `${name}: ${literal(given)}`;
        const variable = `${name}${place}`;
        if (as === 'variable') variables[variable] = given;
        const byDefault = as === 'default' && given !== null;
        definitions.push(`$${variable}: ${type}${byDefault ? ` = ${literal(given)}` : ''}`);
        return `${name}: $${variable}`;
      },
  );
}

/** Some fields in some order, maybe twice, under aliases, in fragments and under conditions. */
function selection(
  type: string,
  scalars: readonly string[],
  objects: Readonly<Record<string, fc.Arbitrary<Written>>>,
): fc.Arbitrary<Written> {
  const plain = fc.constantFrom<string>('__typename', ...scalars).map(
    (name): Written =>
      () =>
        name,
  );
  const nested = Object.entries(objects).map(([name, below]) =>
    below.map(
      (write): Written =>
        (document) =>
          `${name} ${write(document)}`,
    ),
  );
  const one = fc.tuple(fc.oneof(plain, ...nested), fc.nat(11), fc.constantFrom('x', 'y', 'z')).map(
    ([write, dress, alias]): Written =>
      (document) =>
        dressed(write(document), type, document, dress, alias),
  );
  return fc.array(one, { minLength: 1, maxLength: 7 }).map(
    (fields): Written =>
      (document) =>
        `{ ${fields.map((write) => write(document)).join(' ')} }`,
  );
}

function dressed(field: string, type: string, { fragments }: Document, dress: number, alias: string): string {
  const name = `F${fragments.length}`;
  switch (dress) {
    case 0:
      return `${alias}${field.length}: ${field}`;
    case 1:
      return `... { ${field} }`;
    case 2:
      return `... on ${type} @include(if: $yes) { ${field} }`;
    case 3:
      return `__typename ... @skip(if: $yes) { ${field} }`;
    case 4:
      return `__typename ... @include(if: $no) { ${field} }`;
    case 5:
      fragments.push(`fragment ${name} on ${type} { ${field} }`);
      return `...${name} ...${name}`;
    default:
      return field;
  }
}
