import { describe, expect, test } from 'vitest';
import { MARK_RUNS } from '../domain/mark-price.ts';
import { readConfig, variables } from './config.ts';

const runsOf = (text?: string) => readConfig({ MARK_RUNS: text }).core.MARK_RUNS;

describe('the runs that positions are marked by', () => {
  test('are real-time ones where nothing is said, and so they are documented', () => {
    expect(runsOf()).toEqual(MARK_RUNS);
    expect(variables().find(({ name }) => name === 'MARK_RUNS')?.default).toBe(MARK_RUNS.join());
  });

  test('are taken in the order they are written', () => {
    expect(runsOf('REAL_TIME_HOURLY, SPOT')).toEqual(['REAL_TIME_HOURLY', 'SPOT']);
  });

  test.each(['SPOT,REAL_TIME', 'SPOT,SPOT', ',', 'toString'])('are refused as %s', (text) => {
    expect(() => runsOf(text)).toThrow(/MARK_RUNS: must be runs/);
  });
});
