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
  const hour = startMs / 3_600_000;
  const wave = 30 + 25 * Math.sin((hour / 24) * 2 * Math.PI);
  const mec = Math.round(100 * (wave + 10 * drawn(`${market === 'day-ahead' ? 'da' : 'rt'} ${startMs}`)));
  const local = drawn(`${market === 'day-ahead' ? 'da' : 'rt'} ${node} ${startMs}`);
  const corrected = market === 'preliminary' && local > 0.8 ? 25 : 0;
  // One hour in ten is congested so much that the price is negative.
  const mcc = Math.round(local < 0.1 ? -9000 * (0.5 + local) : 400 * (local - 0.5)) + corrected + 0;
  // Adding 0 makes -0 an ordinary 0.
  const mlc = Math.round(mec * 0.05 * (drawn(node) - 0.5)) + 0;
  return { lmp: (mec + mcc + mlc) / 100, mcc: mcc / 100, mlc: mlc / 100, mec: mec / 100 };
}

/** As the market reports have it: `.15`, `-1`, `12.3`. */
export function shortText(price: number): string {
  return price
    .toFixed(2)
    .replace(/\.?0+$/, '')
    .replace(/^(-?)0(?=\.)/, '$1');
}

/** A hash of the text, scaled to [0, 1). */
function drawn(text: string): number {
  let hash = 5381;
  for (const sign of text) hash = (Math.imul(hash, 33) ^ (sign.codePointAt(0) ?? 0)) >>> 0;
  return ((Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ (hash >>> 12)) >>> 0) / 2 ** 32;
}
