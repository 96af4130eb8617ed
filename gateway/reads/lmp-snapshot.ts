import type pg from 'pg';
import { MARKET_RUNS } from '../../domain/market-run.ts';
import { inTransaction } from '../../prisma/transaction.ts';
import type { LmpFilter, LmpRow } from '../../schema/context.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import { askedNodes, nodeNames } from './asked-nodes.ts';
import { LMP_COLUMNS, lmpRowFrom, type StoredLmp } from './lmp-row.ts';
import type { Queryable } from './statement.ts';

/** Prices as they stood at one instant of the store, and which commits made them. */
export interface LmpSnapshot {
  /** Of each node and run the newest interval, as `latestLmp`; in the order asked, else by name. */
  readonly prices: readonly LmpRow[];
  /** Ledger entries that had been committed then: those of the last seconds, and those not known to be announced. */
  readonly committed: ReadonlySet<number>;
  /** No entry that had been committed has a higher id. */
  readonly newestCommit: number;
}

/**
 * Reads what several subscriptions ask for at one instant, in one transaction.
 * @returns in the order asked; the error `LIMIT_EXCEEDED` in the place of what asks for too many nodes.
 */
export async function readLmpSnapshots(pool: pg.Pool, filters: readonly LmpFilter[]): Promise<(LmpSnapshot | Error)[]> {
  return inTransaction(pool, async (client) => {
    const [, commits, ...prices] = await Promise.all([
      client.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY'),
      readCommits(client),
      ...filters.map((filter) => readPrices(client, filter)),
    ]);
    return prices.map((each) => (each instanceof Error ? each : { prices: each, ...commits }));
  });
}

/** How long an entry may take from its commit to the last subscriber of a gateway, for it to be known as one that was read. */
const LAG_SECONDS = 10;
/** Of one partition: a hundred commits a second. */
const COMMITS_MAX = 1_000;

/** Ids as float8, of which the driver makes numbers in arrays too. How far a partition is announced is noted a little late, never early. */
const COMMITS = `
  SELECT coalesce((SELECT max(last_ledger_id) FROM feed_position), 0) AS newest, coalesce(array_agg(recent.id::float8), '{}') AS ids
  FROM feed_position AS p
  CROSS JOIN LATERAL (
    SELECT id, commit_id, finished_at, rows_written + rows_revised AS rows FROM ledger_entry
    WHERE feed_id = p.feed_id AND partition = p.partition AND commit_id <= p.last_ledger_id
    ORDER BY commit_id DESC LIMIT ${COMMITS_MAX}
  ) AS recent
  WHERE (p.updated_at > now() - INTERVAL '${LAG_SECONDS} seconds' OR p.last_ledger_id > p.announced_ledger_id)
    AND (recent.commit_id > p.announced_ledger_id OR recent.finished_at > now() - INTERVAL '${LAG_SECONDS} seconds')
    AND recent.rows > 0`;

async function readCommits(db: Queryable): Promise<Pick<LmpSnapshot, 'committed' | 'newestCommit'>> {
  const { rows } = await db.query<{ newest: number; ids: number[] }>({
    name: 'snapshot-commits',
    text: COMMITS,
    values: [],
  });
  return { committed: new Set(rows[0]?.ids), newestCommit: rows[0]?.newest ?? 0 };
}

/** @returns up to which id each partition's commits are known to be on the bus, of those that can be read now. */
export async function readAnnouncedTo(db: Queryable): Promise<number> {
  const { rows } = await db.query<{ announced: number | null }>({
    name: 'announced-to',
    text: 'SELECT min(announced_ledger_id) AS announced FROM feed_position WHERE last_ledger_id > announced_ledger_id',
    values: [],
  });
  return rows[0]?.announced ?? Number.POSITIVE_INFINITY;
}

async function readPrices(db: Queryable, filter: LmpFilter): Promise<LmpRow[] | Error> {
  const runs = filter.run ? [filter.run] : MARKET_RUNS;
  if (filter.nodes) return readNamed(db, namedBy(filter), runs);
  const values = [filter.market === undefined ? filter.markets : [filter.market], LIMITS.snapshotNodes + 1];
  const [counted, { rows }] = await Promise.all([
    db.query<{ nodes: number }>({ name: 'snapshot-nodes', text: COUNT, values }),
    db.query<StoredLmp>({ name: 'snapshot-market', text: OF_MARKET, values: [...values, runs] }),
  ]);
  const nodes = counted.rows[0]?.nodes ?? 0;
  if (nodes > LIMITS.snapshotNodes) return limitExceeded('snapshotNodes', nodes, 'name the nodes');
  return rows.map(lmpRowFrom);
}

async function readNamed(db: Queryable, nodes: readonly string[], runs: readonly string[]): Promise<LmpRow[]> {
  const { markets, names } = askedNodes(nodeNames(nodes));
  const { rows } = await db.query<StoredLmp>({ name: 'snapshot-named', text: NAMED, values: [markets, names, runs] });
  return rows.map(lmpRowFrom);
}

function namedBy({ nodes = [], market }: LmpFilter): readonly string[] {
  return market === undefined ? nodes : nodes.filter((node) => node.startsWith(`${market}:`));
}

/** @param asked gives `asked (market, name, place)`. @param runs a parameter. */
const latestOf = (asked: string, runs: string) => `
  SELECT ${LMP_COLUMNS}
  FROM ${asked}
  JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
  CROSS JOIN unnest(${runs}::market_run[]) AS asked_run (run)
  CROSS JOIN LATERAL (
    SELECT * FROM lmp WHERE node_id = n.id AND run = asked_run.run ORDER BY interval_start DESC LIMIT 1
  ) AS l
  ORDER BY asked.place, l.run`;

const NODES_OF_MARKET = `
  SELECT market_id AS market, name FROM pricing_node WHERE $1::text[] IS NULL OR market_id = ANY($1)
  ORDER BY market_id, name LIMIT $2`;

const COUNT = `SELECT count(*) AS nodes FROM (${NODES_OF_MARKET}) AS nodes`;

const OF_MARKET = latestOf(
  `(SELECT market, name, row_number() OVER (ORDER BY market, name) AS place FROM (${NODES_OF_MARKET}) AS nodes) AS asked`,
  '$3',
);

const NAMED = latestOf('unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (market, name, place)', '$3');
