import { getIntrospectionQuery, parse, validate } from 'graphql';
import { describe, expect, test } from 'vitest';
import { schema } from '../../schema/schema.ts';
import { parseBounded } from './bounded-document.ts';
import { shapeOf } from './document-shape.ts';
import { REQUEST_LIMITS } from './request-limits.ts';

const LIMITS = REQUEST_LIMITS.document;
/** A tenth of it where nothing else runs; suites share two cores with others. */
const MS_MAX = 1_000;

function shape(text: string) {
  return shapeOf(parse(text), LIMITS.fields);
}

/** Each fragment uses the next one twice: 2^n fields of n lines. */
function laughs(lines: number): string {
  const fragments = Array.from(
    { length: lines },
    (_, place) => `fragment F${place} on Query { ...F${place + 1} ...F${place + 1} }`,
  );
  return `{ ...F0 } ${fragments.join('\n')} fragment F${lines} on Query { a: __typename }`;
}

function nested(depth: number): string {
  return depth === 1 ? '{ id }' : `{ origins ${nested(depth - 1)} }`;
}

describe('a document', () => {
  test('is measured with its fragments in their places, each as often as it is used', () => {
    const text = `query A($x: Boolean! @deprecated) { feeds @skip(if: $x) { ...F all: streams { ...F } } jobs { edges { cursor } } }
      fragment F on Feed { one: id @include(if: true) two: id }`;
    expect(shape(text)).toMatchObject({
      definitions: 2,
      depth: 3,
      fields: 9,
      rootFields: 2,
      aliases: 5,
      directives: 4,
      repeats: 1,
      introspects: false,
    });
  });

  test('says how often its most repeated place is selected', () => {
    const text = '{ feeds { id } ... on Query { feeds { id id } } ...F } fragment F on Query { feeds { id } }';
    expect(shape(text)).toMatchObject({ repeats: 4 });
  });

  test('that asks what the schema has is as deep in that as it is, and not in the rest', () => {
    expect(shape('{ __schema { types { name } } }')).toMatchObject({
      depth: 1,
      introspectionDepth: 3,
      introspects: true,
    });
    expect(shape(getIntrospectionQuery())).toMatchObject({ introspects: true, depth: 1 });
    expect(() => parseBounded(getIntrospectionQuery(), LIMITS)).not.toThrow();
  });

  test('whose fragments use themselves is left to validation', () => {
    const text = '{ feeds { ...A } } fragment A on Feed { id ...B } fragment B on Feed { id ...A }';
    expect(shape(text)).toMatchObject({ depth: 2 });
    const errors = validate(schema, parseBounded(text, LIMITS));
    expect(errors.map(({ message }) => message)).toContainEqual(expect.stringContaining('Cannot spread fragment'));
  });

  test.each([
    ['tokens', `{ feeds(nodes: [${'1 '.repeat(20_000)}]) { id } }`, undefined],
    ['tokens', `{ __typename ${'@skip(if: false)'.repeat(15_000)} }`, undefined],
    ['tokens', `{ ${'a '.repeat(120_000)} }`, undefined],
    ['characters', `{ __typename ${'@skip(if: false)'.repeat(100_000)} }`, 1_600_015],
    ['characters', `{ ${'a '.repeat(1_000_000)} }`, 2_000_004],
    ['lines', `${'\r\n\n\r'.repeat(4_000)}{ a }`, 12_001],
    ['definitions', Array.from({ length: 201 }, (_, place) => `query Q${place} { __typename }`).join(' '), 201],
    ['depth', `{ ledger ${nested(12)} }`, 13],
    ['introspectionDepth', `{ __schema ${'{ ofType '.repeat(20)}{ name }${' }'.repeat(20)} }`, 22],
    [
      'introspectionDepth',
      `fragment F on __Type ${'{ ofType '.repeat(20)}{ name }${' }'.repeat(20)} { __typename }`,
      21,
    ],
    ['fields', `{ feeds { ${'id name '.repeat(500)} } }`, 1_001],
    ['fields', laughs(20), 2 ** 20],
    ['fields', laughs(100), Number.MAX_SAFE_INTEGER],
    ['rootFields', `{ ${Array.from({ length: 101 }, (_, place) => `a${place}: __typename`).join(' ')} }`, 101],
    ['aliases', `{ feeds { ${Array.from({ length: 201 }, (_, place) => `a${place}: id`).join(' ')} } }`, 201],
    ['directives', `{ __typename ${'@skip(if: false)'.repeat(101)} }`, 101],
    ['directives', `query (${'$a: Int @deprecated '.repeat(101)}) { __typename }`, 101],
    ['repeats', `{ feeds { ${'id '.repeat(51)} } }`, 51],
  ])('of too many %s is refused with how many there are, within milliseconds', (limit, text, asked) => {
    const startedAt = performance.now();
    const details = { limit, max: LIMITS[limit as keyof typeof LIMITS], ...(asked && { asked }) };
    expect(() => parseBounded(text, LIMITS)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED', details }));
    expect(performance.now() - startedAt).toBeLessThan(MS_MAX);
  });

  test.each([
    ['10,000 aliases', `{ ${Array.from({ length: 10_000 }, (_, place) => `a${place}: __typename`).join(' ')} }`],
    ['fields in fields', `${'{a'.repeat(4_900)}${'}'.repeat(4_900)}`],
    ['lists in lists', `{ feeds(a: ${'['.repeat(4_900)}${']'.repeat(4_900)}) }`],
    ['objects in objects', `{ feeds(a: ${'{a:'.repeat(3_000)}1${'}'.repeat(3_000)}) }`],
    ['types in types', `query ($a: ${'['.repeat(4_900)}Int${']'.repeat(4_900)}) { feeds }`],
  ])('is refused, or read, without a crash: %s', (_what, text) => {
    try {
      parseBounded(text, LIMITS);
    } catch (error) {
      expect(error).toMatchObject({ code: 'LIMIT_EXCEEDED' });
    }
  });

  test('of fragments that all use each other is refused before they are spread out', () => {
    const names = Array.from({ length: 100 }, (_, place) => `F${place}`);
    const all = names.map((name) => `...${name}`).join(' ');
    const text = `{ ...F0 } ${names.map((name) => `fragment ${name} on Query { ${all.slice(0, 400)} }`).join(' ')}`;
    const startedAt = performance.now();
    expect(() => parseBounded(text, LIMITS)).toThrow(expect.objectContaining({ code: 'LIMIT_EXCEEDED' }));
    expect(performance.now() - startedAt).toBeLessThan(MS_MAX);
  });
});

describe('a document just within the limits', () => {
  const series = (key: string) =>
    `${key}: lmpSeries(nodes: ["PJM:A", "PJM:B"], run: SPOT, from: "2024-01-01T00:00:00Z", to: "2024-01-02T00:00:00Z")`;

  test.each([
    ['the same fields again and again', `{ ${`${series('a')} { lmp start } `.repeat(49)} }`],
    [
      'the same by fragments',
      `{ ${Array.from({ length: 49 }, (_, place) => `...F${place}`).join(' ')} }
      ${Array.from({ length: 49 }, (_, place) => `fragment F${place} on Query { ${series('a')} { lmp start min } }`).join('\n')}`,
    ],
    [
      'as many aliases as there may be',
      `{ feeds { ${Array.from({ length: 199 }, (_, place) => `a${place}: id`).join(' ')} } }`,
    ],
    [
      'twenty groups of fifty',
      `{ feeds { ${Array.from({ length: 19 }, (_, place) => `k${place % 9}: id `.repeat(1)).join(' ')} ${'id name partitions { id } '.repeat(48)} } }`,
    ],
  ])('is validated in well under a second: %s', (_what, text) => {
    validate(schema, parse('{ feeds { id } }'));
    const startedAt = performance.now();
    validate(schema, parseBounded(text, LIMITS));
    expect(performance.now() - startedAt).toBeLessThan(MS_MAX);
  });
});
