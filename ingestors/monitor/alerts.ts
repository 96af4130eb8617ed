/** Opens and closes alerts of sources, by whichever process is free. */
import type pg from 'pg';
import type { Logger } from 'pino';
import { messageOf } from '../../domain/errors.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import type { Recurring } from '../jobs/recurring.ts';
import { type AlertPlace, judge, type NewAlert } from './alert-rules.ts';
import { readStandings } from './endpoint-standings.ts';

export interface AlertParts {
  readonly pool: pg.Pool;
  readonly log: Logger;
  /** Milliseconds UTC. */
  readonly clock: () => number;
}

const EVERY_MS = 15_000;

export function alertsOfSources(parts: AlertParts): Recurring {
  return {
    name: 'monitor/alerts',
    everyMs: EVERY_MS,
    run: async () => {
      await watchSources(parts).catch((error) =>
        parts.log.warn({ error: messageOf(error) }, 'looking for alerts of sources failed'),
      );
      return 'done';
    },
  };
}

interface OpenAlert extends AlertPlace {
  readonly id: number;
  readonly openedAt: Date;
}

/** Looks once. Each alert is logged when it opens and when it closes, after that is committed. */
export async function watchSources({ pool, log, clock }: AlertParts): Promise<void> {
  const now = clock();
  const { opened, closed } = await inTransaction(pool, async (client) => {
    // A task that is taken from a process which still lives is done twice: the second must see what the first opened.
    await client.query(`SELECT pg_advisory_xact_lock(hashtextextended('busbar alerts', 0))`);
    const judged = judge(await readStandings(client, now), await readOpen(client), now);
    await open(client, judged.opened, now);
    await close(client, judged.closed, now);
    return judged;
  });
  for (const alert of opened) log.warn(alert, 'alert opened');
  for (const { id: _, openedAt, ...alert } of closed)
    log.info({ ...alert, openMs: now - openedAt.getTime() }, 'alert closed');
}

async function readOpen(client: Queryable): Promise<OpenAlert[]> {
  const { rows } = await client.query<OpenAlert>(
    'SELECT id, source, endpoint, kind, opened_at AS "openedAt" FROM api_alert WHERE closed_at IS NULL',
  );
  return rows;
}

async function open(client: Queryable, alerts: readonly NewAlert[], now: number): Promise<void> {
  if (alerts.length === 0) return;
  await client.query(
    `INSERT INTO api_alert (source, endpoint, kind, opened_at, detail)
     SELECT source, endpoint, kind, $1, detail
     FROM unnest($2::text[], $3::text[], $4::api_alert_kind[], $5::text[]) AS t(source, endpoint, kind, detail)`,
    [
      new Date(now),
      alerts.map(({ source }) => source),
      alerts.map(({ endpoint }) => endpoint),
      alerts.map(({ kind }) => kind),
      alerts.map(({ detail }) => detail),
    ],
  );
}

async function close(client: Queryable, alerts: readonly OpenAlert[], now: number): Promise<void> {
  if (alerts.length === 0) return;
  const ids = alerts.map(({ id }) => id);
  await client.query('UPDATE api_alert SET closed_at = $1 WHERE id = ANY($2::bigint[])', [new Date(now), ids]);
}
