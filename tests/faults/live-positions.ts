import type pg from 'pg';
import { ms } from '../../prisma/instants.ts';
import type { PositionEvent } from '../../runtime/live-bus/live-bus.ts';

export interface LivePositionsVerdict {
  readonly events: number;
  /** Changes of a position, by its `seq`, that were told twice. */
  readonly twice: number;
  /** Positions that are not in the store as the event with the highest `seq` left them. */
  readonly stale: number;
}

/** What somebody saw of positions, to be compared with what is stored. */
export class LivePositions {
  readonly #seen = new Set<string>();
  readonly #last = new Map<string, PositionEvent>();
  #twice = 0;

  add(event: PositionEvent): void {
    const key = `${event.account} ${event.node}`;
    const change = `${key} ${event.seq}`;
    if (this.#seen.has(change)) this.#twice += 1;
    this.#seen.add(change);
    const last = this.#last.get(key);
    if (!last || event.seq > last.seq) this.#last.set(key, event);
  }

  async compare(pool: pg.Pool): Promise<LivePositionsVerdict> {
    const stored = await storedStates(pool);
    let stale = 0;
    for (const [key, state] of stored) {
      const last = this.#last.get(key);
      if (!last || stateOf(last) !== state) stale += 1;
    }
    for (const key of this.#last.keys()) if (!stored.has(key)) stale += 1;
    return { events: this.#seen.size, twice: this.#twice, stale };
  }
}

function stateOf({ seq, position }: PositionEvent): string {
  const { method, quantity, cost, realized, trades, last } = position;
  return [seq, method, quantity, cost, realized, trades, last?.ts ?? '', last?.tradeId ?? ''].join(' ');
}

/** By account and node, of the positions that ever changed. */
async function storedStates(pool: pg.Pool): Promise<Map<string, string>> {
  const { rows } = await pool.query<{ key: string; state: string }>(
    `SELECT account || ' ' || n.market_id || ':' || n.name AS key,
            concat_ws(' ', seq, method, trim_scale(quantity), trim_scale(cost), trim_scale(realized), trades,
                      coalesce((${ms('last_ts')})::text, ''), coalesce(last_trade_id, '')) AS state
     FROM position JOIN pricing_node n ON n.id = node_id
     WHERE seq > 0`,
  );
  return new Map(rows.map(({ key, state }) => [key, state]));
}
