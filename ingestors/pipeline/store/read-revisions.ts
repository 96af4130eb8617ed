import { DAY_MS } from '../../../domain/instant.ts';
import { marketOf, type NodeName } from '../../../domain/market.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { Claim } from './positions.ts';

/** What tells where a price is read. */
interface ReadFact {
  readonly node: NodeName;
  readonly run: MarketRun;
  readonly startAt: number;
}

/**
 * Tells whoever keeps answers that prices of these markets, runs and days may have changed, in the caller's transaction: the new
 * number becomes visible with the prices, or not at all. One statement, which only meets rows of the claim's own partition,
 * whose lock the caller holds.
 *
 * A price that turns out to be known moves its day as well: a repeat may confirm it with other flags, and asking first would
 * cost a round trip. The numbers are microseconds of the clock, and still grow where it does not: so a store that was taken back to
 * an earlier state does not give out again what stood for something else.
 */
export async function moveReadRevisions(
  client: Queryable,
  { feed, partition }: Pick<Claim, 'feed' | 'partition'>,
  facts: Iterable<ReadFact>,
): Promise<void> {
  const { markets, runs, days } = movedBy(facts);
  if (markets.length === 0) return;
  await client.query({ name: 'move-read-revisions', text: MOVE, values: [feed, partition, markets, runs, days] });
}

interface Moved {
  readonly markets: string[];
  readonly runs: MarketRun[];
  /** Days since 1970-01-01; null: all. */
  readonly days: (number | null)[];
}

function movedBy(facts: Iterable<ReadFact>): Moved {
  const moved: Moved = { markets: [], runs: [], days: [] };
  const seen = new Set<string>();
  const add = (market: string, run: MarketRun, day: number | null) => {
    const key = `${market} ${run} ${day}`;
    if (seen.has(key)) return;
    seen.add(key);
    moved.markets.push(market);
    moved.runs.push(run);
    moved.days.push(day);
  };
  // What comes together is mostly of one market, run and day.
  let last: { market: string; run: MarketRun; day: number } | undefined;
  for (const { node, run, startAt } of facts) {
    const market = marketOf(node).id;
    const day = Math.floor(startAt / DAY_MS);
    if (last?.day === day && last.run === run && last.market === market) continue;
    last = { market, run, day };
    add(market, run, day);
    add(market, run, null);
  }
  return moved;
}

const MOVE = `
  INSERT INTO read_revision AS r (family, market_id, run, day, feed_id, partition, n)
  SELECT 'lmp', market, run, coalesce(DATE '1970-01-01' + day, '-infinity'), $1, $2,
         (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
  FROM unnest($3::text[], $4::market_run[], $5::int4[]) AS moved (market, run, day)
  ON CONFLICT (family, market_id, run, day, feed_id, partition) DO UPDATE SET n = greatest(r.n + 1, excluded.n)`;
