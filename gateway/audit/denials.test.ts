import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Actor } from '../../prisma/operations/audit.ts';
import { createMetrics } from '../../runtime/metrics.ts';
import { silent } from '../../tests/support/live.ts';
import { freshDatabase, type TestDatabase } from '../../tests/support/postgres.ts';
import { createDenials } from './denials.ts';

const RISK: Actor = { name: 'risk', subject: 'key:ab12cd34', address: '10.0.0.7', via: 'graphql' };

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

describe('denied access', () => {
  let last = 0;
  beforeEach(async () => {
    const { rows } = await db.pool.query<{ last: number }>('SELECT coalesce(max(id), 0)::int AS last FROM audit_entry');
    last = rows[0]?.last ?? 0;
  });
  const noted = async () => {
    const { rows } = await db.pool.query(
      `SELECT actor, via, subject, address, action, input, outcome, error FROM audit_entry WHERE id > $1 ORDER BY id`,
      [last],
    );
    return rows;
  };
  const open = (flushMs?: number) =>
    createDenials({ pool: db.pool, log: silent, metrics: createMetrics(), ...(flushMs !== undefined && { flushMs }) });

  it('is in the audit log within a moment: who, from where, what, and why', async () => {
    const denials = open(1);
    denials.note(RISK, ['positions'], 'positions needs DESK');
    await expect.poll(noted).toEqual([
      {
        actor: 'risk',
        via: 'graphql',
        subject: 'key:ab12cd34',
        address: '10.0.0.7',
        action: 'access',
        input: { asked: ['positions'], times: 1 },
        outcome: 'DENIED',
        error: 'positions needs DESK',
      },
    ]);
    await denials.close();
  });

  it('is one entry with a count for whoever tries the same again and again', async () => {
    const denials = open();
    for (let time = 0; time < 10_000; time++) denials.note(RISK, ['positions'], 'no');
    denials.note({ ...RISK, address: '10.0.0.8' }, ['positions'], 'no');
    await denials.close();
    expect((await noted()).map(({ address, input }) => [address, input.times])).toEqual([
      ['10.0.0.7', 10_000],
      ['10.0.0.8', 1],
    ]);
  });

  it('is counted so too where it was too much at that moment, beside what is not for whoever asks', async () => {
    const denials = open();
    for (let time = 0; time < 3; time++) denials.noteRefusal(RISK, 'export', ['/export/lmp'], 'one is under way');
    denials.note(RISK, ['/export/lmp'], 'one is under way');
    await denials.close();
    expect((await noted()).map(({ action, outcome, input }) => [action, outcome, input.times])).toEqual([
      ['export', 'REFUSED', 3],
      ['access', 'DENIED', 1],
    ]);
  });

  it('is kept in short, however long what was asked for is', async () => {
    const denials = open();
    denials.note(RISK, ['a'.repeat(100_000)], 'r'.repeat(100_000));
    await denials.close();
    expect(await noted()).toMatchObject([
      { input: { asked: [`${'a'.repeat(2_000)}…`], times: 1 }, error: `${'r'.repeat(2_000)}…` },
    ]);
  });

  it('cannot flood the log with things that differ', async () => {
    const denials = open();
    for (let time = 0; time < 10_000; time++) denials.note(RISK, [`alias${time}`], 'no');
    await denials.close();
    const entries = await noted();
    expect(entries).toHaveLength(201);
    expect(entries.at(-1)).toMatchObject({ actor: 'various', address: '10.0.0.7', input: { times: 9_800 } });
  });
});
