import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { startQueue } from './queue.ts';
import { queueLog } from './queue-log.ts';

let db: TestDatabase;
beforeEach(async () => {
  db = await freshDatabase();
});
afterEach(() => db.drop());

const logOf = () => {
  const lines: string[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  return { lines, log };
};

it('more workers than connections are no trouble', async () => {
  const { lines, log } = logOf();
  const queue = await startQueue({ databaseUrl: db.url, log, crews: [{ workers: 33, tasks: { t: async () => {} } }] });
  await queue.stop();
  expect(lines).toEqual([]);
});

it('what else the queue warns of is told', () => {
  const { lines, log } = logOf();
  queueLog(log).warn('the connection is slow', { max: 5 });
  queueLog(log).error('no connection', { error: new Error('refused') });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { detail: 'the connection is slow' },
    { detail: 'no connection', err: { message: 'refused' } },
  ]);
});
