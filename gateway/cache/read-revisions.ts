import { DAY_MS } from '../../domain/instant.ts';
import { type Market, marketOf } from '../../domain/market.ts';
import type { ReadSet } from '../hot/root-plan.ts';
import type { Queryable } from '../reads/statement.ts';

/**
 * What commits have said of the facts that an answer is made of, as text: two that are equal mean that nothing of these facts was
 * committed in between. Read it before the facts: what is committed meanwhile then makes an answer newer than its text, never
 * older.
 */
export async function readRevisions(db: Queryable, reads: readonly ReadSet[]): Promise<string> {
  const asked = reads.flatMap(askedOf);
  const values = [
    asked.map(({ market }) => market),
    asked.map(({ run }) => run),
    asked.map(({ from }) => from),
    asked.map(({ to }) => to),
  ];
  const { rows } = await db.query<{ revisions: string | null }>({ name: 'read-revisions', text: TEXT, values });
  return rows[0]?.revisions ?? '';
}

/**
 * What tells this store from others that share a Redis. Two that commits have said nothing to, because their prices are older than
 * this cache, would otherwise look alike.
 */
export async function readStoreIdentity(db: Queryable): Promise<string> {
  const { rows } = await db.query<{ identity: string }>({ name: 'store-identity', text: IDENTITY, values: [] });
  const [row] = rows;
  if (!row) throw new TypeError('a database has a row in pg_database');
  return row.identity;
}

interface Asked {
  readonly market: Market['id'];
  readonly run: ReadSet['run'];
  /** Days since 1970-01-01; null: the number that moves with every day. */
  readonly from: number | null;
  readonly to: number | null;
}

function askedOf({ nodes, run, range }: ReadSet): Asked[] {
  const markets = [...new Set(nodes.map((node) => marketOf(node).id))];
  const from = range ? dayOf(range.from) : null;
  const to = range ? dayOf(range.to) : null;
  return markets.map((market) => ({ market, run, from, to }));
}

function dayOf(instantMs: number): number {
  return Math.floor(instantMs / DAY_MS);
}

const day = (asked: string) => `coalesce(DATE '1970-01-01' + ${asked}, '-infinity')`;

/** No number is ever less than it was, so that their sum tells that one has moved. */
const TEXT = `
  SELECT string_agg(coalesce(moved.sum, '-'), ' ' ORDER BY asked.place) AS revisions
  FROM unnest($1::text[], $2::market_run[], $3::int4[], $4::int4[]) WITH ORDINALITY AS asked (market, run, lo, hi, place)
  CROSS JOIN LATERAL (
    SELECT sum(n)::text AS sum FROM read_revision
    WHERE family = 'lmp' AND market_id = asked.market AND run = asked.run
      AND day >= ${day('asked.lo')} AND day <= ${day('asked.hi')}
  ) AS moved`;

const IDENTITY = `
  SELECT (SELECT system_identifier FROM pg_control_system()) || '/' || oid AS identity
  FROM pg_database WHERE datname = current_database()`;
