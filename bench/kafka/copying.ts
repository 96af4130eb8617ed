import pg from 'pg';
import { isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import type { RealtimePriceEvent } from '../../schema/events/realtime-prices.ts';
import { copyIntoLmp } from '../copy-into-lmp.ts';
import { consumeAlone } from './alone.ts';

const CONNECTIONS = 4;

/**
 * Kafkajs and COPY, the least that keeps what it reads: nothing is checked, nothing is announced, nothing says how far it came, and
 * a record that comes again ends it.
 * @returns seconds, from joining the group on.
 */
export async function consumeCopying(brokers: readonly string[], topic: string, records: number, url: string) {
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS });
  try {
    const { rows } = await pool.query<{ name: string; id: number }>('SELECT name, id FROM pricing_node');
    const ids = new Map(rows.map(({ name, id }) => [name, id]));
    const lineOf = (value: Buffer | null): string => {
      const price = JSON.parse(String(value)) as RealtimePriceEvent;
      const end = isoFromInstant(Date.parse(price.ts) + 5 * MINUTE_MS);
      const { lmp_rt: lmp, energy_rt: energy, congestion_rt: congestion, loss_rt: loss } = price;
      return `${ids.get(price.hub)}\tREAL_TIME_5_MIN\t${price.ts}\t${end}\t${price.ts.slice(0, 10)}\t${lmp}\t${energy}\t${congestion}\t${loss}\t\\N\t0\t1\t${price.ts}\t0\t${price.ts}\t1\n`;
    };
    return await consumeAlone(brokers, topic, records, ({ messages }) =>
      copyIntoLmp(pool, Buffer.from(messages.map(({ value }) => lineOf(value)).join(''))),
    );
  } finally {
    await pool.end();
  }
}
