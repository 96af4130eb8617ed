import { Decimal, ZERO } from './money.ts';
import { type Position, type Shock, shocked } from './position.ts';

/** A position and its last price per MWh; null where it has none. */
export interface Exposed {
  readonly position: Pick<Position, 'quantity'>;
  readonly lastPrice: Decimal | null;
}

/**
 * What a move of prices would do to positions together. Net sums have signs, gross sums are of absolute values; the parts
 * are summed exactly and each sum is rounded once. Money in the market's currency.
 */
export interface Exposure {
  readonly positions: number;
  /** Open and without a price: in no money here but `pnl01`. */
  readonly unpriced: number;
  /** MWh. */
  readonly netMw: Decimal;
  readonly grossMw: Decimal;
  /** Of a rise of every price by 0.01 per MWh. */
  readonly pnl01: Decimal;
  /** Null where there are open positions and none has a price, as the two below. */
  readonly netNotional: Decimal | null;
  readonly grossNotional: Decimal | null;
  /** Null also without a shock. */
  readonly shockPnl: Decimal | null;
}

const MINUTES = new Decimal(60n, 0);
const MINUTES_PER_CENT = new Decimal(6_000n, 0);

export function exposureOf(exposed: Iterable<Exposed>, shock?: Shock): Exposure {
  let [net, gross, netNotional, grossNotional, shockPnl] = [ZERO, ZERO, ZERO, ZERO, ZERO];
  let [positions, unpriced, priced] = [0, 0, 0];
  for (const { position, lastPrice } of exposed) {
    const { quantity } = position;
    positions += 1;
    net = net.plus(quantity);
    gross = gross.plus(quantity.abs());
    if (quantity.sign === 0) continue;
    if (lastPrice === null) {
      unpriced += 1;
      continue;
    }
    priced += 1;
    const notional = quantity.times(lastPrice);
    netNotional = netNotional.plus(notional);
    grossNotional = grossNotional.plus(notional.abs());
    if (shock) shockPnl = shockPnl.plus(quantity.times(shocked(lastPrice, shock).minus(lastPrice)));
  }
  const money = (sum: Decimal) => (priced === 0 && unpriced > 0 ? null : sum.over(MINUTES));
  return {
    positions,
    unpriced,
    netMw: net.over(MINUTES),
    grossMw: gross.over(MINUTES),
    pnl01: net.over(MINUTES_PER_CENT),
    netNotional: money(netNotional),
    grossNotional: money(grossNotional),
    shockPnl: shock ? money(shockPnl) : null,
  };
}
