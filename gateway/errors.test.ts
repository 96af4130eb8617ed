import { GraphQLError } from 'graphql';
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { BusbarError } from '../domain/errors.ts';
import { createErrorMask } from './errors.ts';

function masked() {
  const lines: Record<string, unknown>[] = [];
  const mask = createErrorMask(pino({ level: 'debug' }, { write: (line) => void lines.push(JSON.parse(line)) }));
  return { mask, lines };
}

/** As graphql-js reports what a resolver throws. */
const thrown = (originalError: Error) => new GraphQLError(originalError.message, { path: ['lmp'], originalError });

describe('what a client sees', () => {
  test('of an exposed error is its message, its code and its details', () => {
    const { mask, lines } = masked();
    const error = thrown(new BusbarError('CURSOR_EXPIRED', 'too old', { details: { cursor: 'c' } }));
    expect(mask.error(error).toJSON()).toEqual({
      message: 'too old',
      path: ['lmp'],
      extensions: { code: 'CURSOR_EXPIRED', cursor: 'c' },
    });
    expect(lines).toEqual([]);
  });

  test('of anything else is nothing, and the log has the whole of it, once', () => {
    const { mask, lines } = masked();
    const once = mask.error(thrown(new Error('password authentication failed for user "busbar"')));
    expect(mask.error(once)).toBe(once);
    expect(once.toJSON()).toEqual({
      message: 'Unexpected error.',
      path: ['lmp'],
      extensions: { code: 'INTERNAL_SERVER_ERROR' },
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatchObject({ msg: 'request failed', err: { message: expect.stringContaining('password') } });
  });

  test('of an error that is not exposed is nothing either', () => {
    const { mask } = masked();
    expect(mask.error(new BusbarError('FENCED', 'epoch 7 of 8')).message).toBe('Unexpected error.');
  });

  test('of a mistake in the request is what GraphQL says, with a code', () => {
    const { mask } = masked();
    expect(mask.error(new GraphQLError('Syntax Error: Unexpected "}".')).toJSON()).toEqual({
      message: 'Syntax Error: Unexpected "}".',
      extensions: { code: 'BAD_USER_INPUT' },
    });
  });

  test('of a resolver’s value that does not fit its type is nothing: that is no mistake of the request', () => {
    const { mask } = masked();
    const unfit = thrown(new GraphQLError('Float cannot represent non numeric value: "secret"'));
    expect(mask.error(unfit).message).toBe('Unexpected error.');
  });

  test('of something thrown that is no error is nothing', () => {
    const { mask } = masked();
    expect(mask.error('secret').message).toBe('Unexpected error.');
  });
});
