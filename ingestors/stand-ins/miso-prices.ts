import { noise } from './noise.ts';
import { pricePartsOf } from './price-shape.ts';

/**
 * Simulated prices of MISO: the same market, node and interval give the same price in every document, in cents. Preliminary
 * prices differ from final ones in some hours.
 */
export type MisoMarket = 'day-ahead' | 'preliminary' | 'real-time';

/** $/MWh, whole cents; they sum to the LMP. */
export interface MisoPrices {
  readonly lmp: number;
  readonly mcc: number;
  readonly mlc: number;
  readonly mec: number;
}

export function misoPrices(market: MisoMarket, node: string, startMs: number): MisoPrices {
  const parts = pricePartsOf({ market: 'MISO', ahead: market === 'day-ahead', place: node, startMs });
  const corrected = market === 'preliminary' && noise(`${node}|${startMs}|corrected`) > 0.8 ? 25 : 0;
  // Adding 0 makes -0 an ordinary 0.
  const [mec, mcc, mlc] = [
    Math.round(parts.energy * 100) + 0,
    Math.round(parts.congestion * 100) + corrected + 0,
    Math.round(parts.loss * 100) + 0,
  ];
  return { lmp: (mec + mcc + mlc) / 100, mcc: mcc / 100, mlc: mlc / 100, mec: mec / 100 };
}

/** As the market reports have it: `.15`, `-1`, `12.3`. */
export function shortText(price: number): string {
  return price
    .toFixed(2)
    .replace(/\.?0+$/, '')
    .replace(/^(-?)0(?=\.)/, '$1');
}
