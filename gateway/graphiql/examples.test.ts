import { getOperationAST, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../schema/schema.ts';
import { examples } from './examples.ts';

test('every example is sound and has a name for its tab', () => {
  for (const { query } of examples(0)) {
    const document = parse(query);
    expect(validate(schema, document)).toEqual([]);
    expect(getOperationAST(document)?.name?.value).toEqual(expect.any(String));
  }
});

test('the series ends with the hour it is in and covers a day', () => {
  const [, series] = examples(Date.UTC(2026, 5, 1, 12, 34));
  expect(JSON.parse(series?.variables ?? '')).toEqual({
    from: '2026-05-31T13:00:00.000Z',
    to: '2026-06-01T13:00:00.000Z',
  });
});
