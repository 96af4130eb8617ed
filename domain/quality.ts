/**
 * What is odd about a fact that was stored all the same. Flags mark, they never repair (RULES 1).
 * Stored as a bit set: a flag's bit is its place in this list, so new flags go to the end.
 */
export const QUALITY_FLAGS = [
  /** The components do not sum to the LMP within the market's tolerance. */
  'IDENTITY_BREACH',
  /** CAISO: the report carried no greenhouse-gas component, so the identity could not be checked. */
  'GHG_MISSING',
  /** Some but not all of energy, congestion and loss came. */
  'COMPONENT_MISSING',
  /** Beyond any price this market is known to clear at; kept, but look at it. */
  'PRICE_OUTLIER',
  /** The interval does not start on the run's grid, as with ERCOT's SCED runs. */
  'UNALIGNED_INTERVAL',
  /** The source itself says that a final value will follow. A preliminary version never replaces a final one. */
  'PRELIMINARY',
] as const;

export type QualityFlag = (typeof QUALITY_FLAGS)[number];

export function qualityBits(flags: Iterable<QualityFlag>): number {
  let bits = 0;
  for (const flag of flags) bits |= 1 << QUALITY_FLAGS.indexOf(flag);
  return bits;
}

export function qualityFlags(bits: number): QualityFlag[] {
  return QUALITY_FLAGS.filter((_, place) => (bits & (1 << place)) !== 0);
}
