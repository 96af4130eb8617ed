import { expect, test } from 'vitest';
import { createLog } from './log.ts';

function captured(level: 'info' | 'warn' = 'info') {
  const lines: Record<string, unknown>[] = [];
  const log = createLog(level, 'test', { write: (line: string) => lines.push(JSON.parse(line)) });
  return { log, lines };
}

test('a line is one JSON object with the process, the event and its fields', () => {
  const { log, lines } = captured();
  log.info({ feed: 'caiso.oasis' }, 'feed started');
  expect(lines).toEqual([
    expect.objectContaining({ level: 'info', name: 'test', msg: 'feed started', feed: 'caiso.oasis' }),
  ]);
});

test('credentials are removed at the top and inside objects', () => {
  const { log, lines } = captured();
  log.info(
    { token: 'a', password: 'b', request: { cookie: 'c', headers: { authorization: 'd', 'set-cookie': 'e' } } },
    'x',
  );
  expect(lines[0]).toMatchObject({
    token: '[redacted]',
    password: '[redacted]',
    request: { cookie: '[redacted]', headers: { authorization: '[redacted]', 'set-cookie': '[redacted]' } },
  });
});

test('lines below the level are not written', () => {
  const { log, lines } = captured('warn');
  log.info('too little');
  expect(lines).toEqual([]);
});

test('an error is its type, code, message, stack and causes, and nothing that a driver hung on it', () => {
  const { log, lines } = captured();
  const url = 'postgres://busbar:hunter2@store:5432/busbar';
  const lost = Object.assign(new Error(`no connection to ${url}`, { cause: new RangeError('socket closed') }), {
    code: 'ECONNRESET',
    client: { connectionParameters: { password: 'hunter2' }, connectionString: url },
    detail: url,
  });
  log.warn({ err: lost }, 'store connection lost');
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]?.err).toEqual({
    type: 'Error',
    code: 'ECONNRESET',
    message: 'no connection to postgres://busbar:[redacted]@store:5432/busbar',
    stack: expect.stringContaining('log.test.ts'),
    cause: { type: 'RangeError', message: 'socket closed', stack: expect.any(String) },
  });
});

test('what is thrown that is no error, and an error that caused itself, are told too', () => {
  const { log, lines } = captured();
  const circle = new Error('round');
  circle.cause = circle;
  log.warn({ err: 'refused' }, 'x');
  log.warn({ err: circle }, 'y');
  expect(lines[0]?.err).toEqual({ type: 'string', message: 'refused' });
  expect(lines[1]?.err).toMatchObject({ message: 'round', cause: { cause: { message: 'round' } } });
});
