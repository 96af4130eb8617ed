import { parse } from 'graphql';
import { expect, test } from 'vitest';
import { Shares } from './shares.ts';
import { subscriptionShare } from './subscription-share.ts';

test('a document counts to whoever brought it, until nobody holds it', () => {
  const document = parse('subscription { lmp { cursor } }');
  // Seven tokens, and those that begin and end it.
  const hold = subscriptionShare(new Shares(9 * 400 + 100), 1_000);
  const other = () => parse('subscription { trades { cursor } }');
  const [first, second] = [hold('alice', document, 50), hold('bob', document, 50)];
  expect(() => hold('alice', other(), 0)).toThrow(/all you may have/);
  first();
  expect(() => hold('alice', other(), 0)).toThrow(/all you may have/);
  hold('bob', other(), 0);
  second();
  hold('alice', other(), 0);
});

test('what is refused leaves nothing counted', () => {
  const hold = subscriptionShare(new Shares(9 * 400), 1_000);
  const document = parse('subscription { lmp { cursor } }');
  expect(() => hold('alice', document, 1)).toThrow(/all you may have/);
  expect(() => hold('alice', document, 1_001)).toThrow(/subscriptionCharacters/);
  hold('alice', document, 0);
});
