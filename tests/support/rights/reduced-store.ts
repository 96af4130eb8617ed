import type pg from 'pg';
import type { Rights, Scope } from '../../../domain/rights.ts';

/**
 * Takes away what is beyond the scopes, in SQL of its own: whoever sees everything of such a store is shown what they are shown of the
 * whole one.
 */
export async function leaveWithin(pool: pg.Pool, { markets, feeds, accounts }: Rights): Promise<void> {
  const values = [listed(markets), listed(feeds), listed(accounts)];
  for (const statement of STATEMENTS) {
    const used = [...new Set(statement.match(/\$\d/g))].sort();
    // Places are counted anew where a statement has not all of them.
    const text = used.reduce((sql, place, at) => sql.replaceAll(place, `$#${at + 1}`), statement).replaceAll('$#', '$');
    await pool.query(
      text,
      used.map((place) => values[Number(place.slice(1)) - 1]),
    );
  }
}

function listed(scope: Scope): readonly string[] | null {
  return scope === 'ALL' ? null : scope;
}

const beyond = (column: string, place: number) => `($${place}::text[] IS NOT NULL AND NOT ${column} = ANY($${place}))`;
const OF_MARKETS = `node_id IN (SELECT id FROM pricing_node WHERE ${beyond('market_id', 1)})`;
const SOURCES = `(SELECT split_part(feed, '-', 1) FROM unnest($2::text[]) AS feed)`;

const STATEMENTS = [
  ...['trade', 'trade_head', 'position', 'positions_pnl'].map(
    (table) => `DELETE FROM ${table} WHERE ${OF_MARKETS} OR ${beyond('account', 3)}`,
  ),
  `DELETE FROM account WHERE ${beyond('id', 3)}`,
  ...['lmp', 'lmp_revision', 'forecast_state', 'pricing_node_version'].map(
    (table) => `DELETE FROM ${table} WHERE ${OF_MARKETS}`,
  ),
  `DELETE FROM feed_expectation WHERE ${beyond('market_id', 1)}`,
  `DELETE FROM pricing_node WHERE ${beyond('market_id', 1)}`,
  `DELETE FROM market WHERE ${beyond('id', 1)}`,
  ...['dead_letter', 'ledger_entry', 'job', 'feed_position'].map(
    (table) => `DELETE FROM ${table} WHERE ${beyond('feed_id', 2)}`,
  ),
  `DELETE FROM feed WHERE ${beyond('id', 2)}`,
  ...['api_health_logs', 'api_alert'].map(
    (table) => `DELETE FROM ${table} WHERE $2::text[] IS NOT NULL AND lower(source) NOT IN ${SOURCES}`,
  ),
];
