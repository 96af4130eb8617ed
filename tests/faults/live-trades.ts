import type { Trade } from '../../domain/trade.ts';
import type { TradeEvent } from '../../runtime/live-bus/live-bus.ts';

export interface LiveTradesVerdict {
  /** Different versions. */
  readonly versions: number;
  readonly twice: number;
  /** Produced, and not announced, though no later version can have come before. */
  readonly missing: number;
  /** Announced, and not what was produced. */
  readonly unfounded: number;
}

/** What somebody saw of trades, to be compared with what was produced. */
export class LiveTrades {
  readonly #seen = new Map<string, { terms: string; times: number }>();

  add(event: TradeEvent): void {
    const key = keyOf(event);
    const terms = termsOf(event);
    const seen = this.#seen.get(key);
    if (!seen) return void this.#seen.set(key, { terms, times: 1 });
    seen.times += 1;
    if (seen.terms !== terms) seen.terms = 'two trades';
  }

  compare(produced: () => Iterable<Trade>): LiveTradesVerdict {
    const amendments = amendmentsOf(produced());
    let [missing, founded] = [0, 0];
    for (const trade of produced()) {
      const seen = this.#seen.get(keyOf(trade));
      if (seen?.terms === termsOf(trade)) founded += 1;
      if (!seen && !mayBeOvertaken(trade, amendments)) missing += 1;
    }
    const twice = [...this.#seen.values()].filter(({ times }) => times > 1).length;
    return { versions: this.#seen.size, twice, missing, unfounded: this.#seen.size - founded };
  }
}

type Terms = Omit<Trade, 'node' | 'mw' | 'price'> & {
  readonly node: string;
  readonly mw: { toString(): string };
  readonly price: { toString(): string };
};

const keyOf = ({ tradeId, version }: Terms) => `${tradeId} ${version}`;

function termsOf({ ts, account, node, side, mw, price, minutes, status }: Terms): string {
  return `${ts} ${account} ${node} ${side} ${mw} @ ${price} ${minutes} ${status}`;
}

type Amendments = ReadonlyMap<string, readonly { readonly version: number; readonly account: string }[]>;

function amendmentsOf(trades: Iterable<Trade>): Amendments {
  const amendments = new Map<string, { version: number; account: string }[]>();
  for (const { tradeId, version, account } of trades) {
    if (version === 1) continue;
    const others = amendments.get(tradeId);
    if (others) others.push({ version, account });
    else amendments.set(tradeId, [{ version, account }]);
  }
  return amendments;
}

/** Another account's trades may be on another partition: a version that comes after a later one there never counted. */
function mayBeOvertaken({ tradeId, version, account }: Trade, amendments: Amendments): boolean {
  const others = amendments.get(tradeId) ?? [];
  return others.some((other) => other.version > version && other.account !== account);
}
