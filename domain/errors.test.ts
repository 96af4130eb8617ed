import { describe, expect, it } from 'vitest';
import { BusbarError, isBusbarError, messageOf } from './errors.ts';

describe('BusbarError', () => {
  it('takes exposed and retriable from its code', () => {
    expect(new BusbarError('RATE_LIMITED', 'slow down')).toMatchObject({
      name: 'RATE_LIMITED',
      code: 'RATE_LIMITED',
      message: 'slow down',
      exposed: true,
      retriable: true,
    });
    expect(new BusbarError('SOURCE_REFUSED', 'no')).toMatchObject({ exposed: false, retriable: false });
  });

  it('keeps its cause and details, and has no cause property where there was none', () => {
    const cause = new Error('socket closed');
    const error = new BusbarError('UNAVAILABLE', 'the log is away', { cause, details: { cursor: '17' } });
    expect(error.cause).toBe(cause);
    expect(error.details).toEqual({ cursor: '17' });
    const bare = new BusbarError('UNAVAILABLE', 'the log is away');
    expect(Object.hasOwn(bare, 'cause')).toBe(false);
    expect(bare.details).toEqual({});
  });

  it('masks what happened inside: only codes of the public contract are exposed', () => {
    const internal = [
      'CONFIG_INVALID',
      'FENCED',
      'NO_DATA',
      'THROTTLED',
      'SOURCE_REFUSED',
      'SOURCE_FAILED',
      'MALFORMED',
    ] as const;
    for (const code of internal) expect(new BusbarError(code, 'x').exposed, code).toBe(false);
    expect(new BusbarError('CURSOR_EXPIRED', 'x').exposed).toBe(true);
  });
});

describe('isBusbarError', () => {
  it('tells ours from others, and by code where one is asked for', () => {
    const error: unknown = new BusbarError('FENCED', 'taken over');
    expect(isBusbarError(error)).toBe(true);
    expect(isBusbarError(error, 'FENCED')).toBe(true);
    expect(isBusbarError(error, 'NO_DATA')).toBe(false);
    expect(isBusbarError(Object.assign(new Error('x'), { code: 'FENCED' }))).toBe(false);
    expect(isBusbarError(undefined)).toBe(false);
  });
});

describe('messageOf', () => {
  it('gives the message of an error, and the text of anything else', () => {
    expect(messageOf(new Error('boom'))).toBe('boom');
    expect(messageOf('plain')).toBe('plain');
    expect(messageOf(undefined)).toBe('undefined');
    expect(messageOf(null)).toBe('null');
    expect(messageOf(Symbol('s'))).toBe('Symbol(s)');
  });

  it('says what failed where Node wraps refused connections in an AggregateError without a message', () => {
    const refused = new AggregateError([
      new Error('connect ECONNREFUSED ::1:1'),
      new Error('connect ECONNREFUSED 127.0.0.1:1'),
    ]);
    expect(messageOf(refused)).toBe('connect ECONNREFUSED ::1:1; connect ECONNREFUSED 127.0.0.1:1');
  });

  it('falls back to the name of an error without a message', () => {
    expect(messageOf(new TypeError())).toBe('TypeError');
  });

  it('does not throw on an object that has no way to become a string', () => {
    expect(messageOf(Object.create(null))).toBe('[object Object]');
  });
});
