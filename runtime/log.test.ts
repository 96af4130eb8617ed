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
