import { expect, test } from 'vitest';
import type { z } from 'zod';
import { headerSecret, httpUrl, lookbackHours, namesListed, secret, someOf, spacingMs } from './settings.ts';

test('names are trimmed, in their order and once each; none where nothing is set', () => {
  expect(namesListed().parse(' B, A,,B ,')).toEqual(['B', 'A']);
  expect(namesListed().parse(undefined)).toEqual([]);
});

test('some of the names there are may be listed, all where nothing is set, and no others', () => {
  const reports = someOf(['a', 'b', 'c']);
  expect(reports.parse(undefined)).toEqual(['a', 'b', 'c']);
  expect(reports.parse('c, a,c')).toEqual(['c', 'a']);
  for (const text of ['', 'a,d', ',']) expect(() => reports.parse(text)).toThrow('must be one or more of a, b, c');
});

test.each([
  [httpUrl(), 'ftp://files.example', 'https:// or http://'],
  [spacingMs(1000, 'X'), '-1', '>=0'],
  [spacingMs(1000, 'X'), '1.5', 'int'],
  [lookbackHours('X'), '0', '>=1'],
  [lookbackHours('X'), '745', '<=744'],
  [lookbackHours('X', { hoursMax: 24 }), '25', '<=24'],
  [headerSecret('X'), 'two words', 'must be a key as X gives it'],
])('%# %s is refused', (setting: z.ZodType, text, why) => {
  expect(() => setting.parse(text)).toThrow(why);
});

test('describe themselves', () => {
  expect(spacingMs(1000, 'X').description).toBe('Least time between two requests to X. Milliseconds.');
  expect(lookbackHours('X', { more: ', at least' }).description).toBe(
    'How far a first poll of X goes back, at least. Hours; for more, run a backfill.',
  );
});

test('a secret does not print, and is undefined where it is not set', () => {
  for (const setting of [secret(), headerSecret('X')]) {
    expect(setting.parse(undefined)).toBeUndefined();
    const kept = setting.parse('open-sesame');
    expect([JSON.stringify(kept), kept?.reveal()]).toEqual([expect.not.stringContaining('sesame'), 'open-sesame']);
  }
});
