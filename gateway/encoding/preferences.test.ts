import { expect, test } from 'vitest';
import { acceptedCoding } from './preferences.ts';

test.each([
  [undefined, undefined],
  ['', undefined],
  ['identity', undefined],
  ['gzip, deflate, br', 'br'],
  ['br;q=0.5, gzip', 'gzip'],
  ['br;q=0, gzip;q=0.5', 'gzip'],
  ['*', 'br'],
  ['*;q=0, gzip', 'gzip'],
  ['*;q=0', undefined],
])('who accepts %s is sent %s', (header, coding) => {
  expect(acceptedCoding(header === undefined ? {} : { 'accept-encoding': header })).toBe(coding);
});
