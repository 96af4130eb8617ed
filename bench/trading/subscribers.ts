/** The subscribers of bench `trading`, in a process of their own: a socket and a `pnl` subscription an account. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { type Summary, summary } from '../summary.ts';
import { ACCOUNTS, accountName } from './desk.ts';

export interface SubscribersReport {
  /** By account and node, when it was first seen with so many trades, in order. */
  readonly counted: ReadonlyMap<string, readonly { readonly trades: number; readonly at: number }[]>;
  /** From a price's own time to the event that was marked by it. */
  readonly tickToPnlMs: Summary;
  readonly frames: number;
  readonly positions: number;
}

const QUERY = `subscription ($account: String!) {
  pnl(account: $account) {
    cursor
    positions { node { id } positionMw avgPrice lastPrice lastPriceAt realizedPnl unrealizedPnl totalPnl tradeCount }
  }
}`;

interface Frame {
  readonly pnl: { readonly positions: readonly FramePosition[] };
}

interface FramePosition {
  readonly node: { readonly id: string };
  readonly tradeCount: number;
  readonly lastPriceAt: string | null;
}

interface Seen {
  readonly counted: { trades: number; at: number }[];
  readonly priced: { pricedAt: number; at: number }[];
  lastPriceAt: string | null;
}

const [url = ''] = process.argv.slice(2);
const seen = new Map<string, Seen>();
const frames: { at: number; positions: number }[] = [];

for (let account = 0; account < ACCOUNTS; account++) subscribe(accountName(account));
while (frames.length < ACCOUNTS) await sleep(50);
process.send?.('ready');
process.once('message', ({ from, to }: { from: number; to: number }) => {
  const within = ({ at }: { at: number }) => at >= from && at < to;
  const measured = frames.filter(within);
  const ages = [...seen.values()].flatMap(({ priced }) =>
    priced.filter(within).map(({ pricedAt, at }) => at - pricedAt),
  );
  const report: SubscribersReport = {
    counted: new Map([...seen].map(([key, { counted }]) => [key, counted])),
    tickToPnlMs: summary(ages),
    frames: measured.length,
    positions: measured.reduce((sum, { positions }) => sum + positions, 0),
  };
  process.send?.(report, () => process.exit(0));
});

function subscribe(account: string): void {
  createClient({ url, webSocketImpl: WebSocket, lazy: false }).subscribe<Frame>(
    { query: QUERY, variables: { account } },
    {
      next: ({ data }) => take(account, data?.pnl.positions ?? []),
      error: (error) => {
        throw new Error(`a subscription failed: ${JSON.stringify(error)}`);
      },
      complete: () => {},
    },
  );
}

function take(account: string, positions: readonly FramePosition[]): void {
  const at = Date.now();
  frames.push({ at, positions: positions.length });
  for (const { node, tradeCount, lastPriceAt } of positions) {
    const position = seenOf(`${account}\n${node.id}`);
    if (tradeCount > (position.counted.at(-1)?.trades ?? 0)) position.counted.push({ trades: tradeCount, at });
    if (lastPriceAt === null || lastPriceAt === position.lastPriceAt) continue;
    position.lastPriceAt = lastPriceAt;
    position.priced.push({ pricedAt: Date.parse(lastPriceAt), at });
  }
}

function seenOf(key: string): Seen {
  const known = seen.get(key);
  if (known) return known;
  const fresh: Seen = { counted: [], priced: [], lastPriceAt: null };
  seen.set(key, fresh);
  return fresh;
}
