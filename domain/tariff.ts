import { type Decimal, decimalFrom } from './money.ts';
import type { QualityFlag } from './quality.ts';

/** Parts of a retail tariff, as Swiss providers name them. */
export const TARIFF_TYPES = ['grid', 'electricity', 'integrated', 'grid_usage'] as const;

export type TariffType = (typeof TARIFF_TYPES)[number];

/** What a provider charges for a kilowatt-hour in one interval. */
export interface TariffPrice {
  /** `CKW`. */
  readonly provider: string;
  /** The provider's own name: `home_dynamic`. */
  readonly tariffName: string;
  readonly type: TariffType;
  /** Milliseconds UTC; half-open. */
  readonly startAt: number;
  readonly endAt: number;
  readonly value: Decimal;
  readonly unit: TariffUnit;
  /** What is odd about it beside the other parts of its interval; see `oddParts`. */
  readonly flags: readonly QualityFlag[];
}

export type TariffUnit = 'CHF_kWh';

/** A price and the time at which its provider published it. */
export interface VersionedTariffPrice extends TariffPrice {
  readonly publishedAt: number;
}

/** The parts of one interval that came. */
export type TariffParts = Readonly<Partial<Record<TariffType, Decimal>>>;

/** Each of three parts is rounded to four decimals: their sum can be off by one unit of the last. CHF/kWh. */
const ROUNDING = decimalFrom('0.0001');

/**
 * Parts that contradict the others: `integrated` where it is not grid plus electricity within rounding, `grid_usage` where
 * it is more than the grid that it is contained in. What came alone contradicts nothing.
 */
export function oddParts({ grid, electricity, integrated, grid_usage: gridUsage }: TariffParts): readonly TariffType[] {
  const odd: TariffType[] = [];
  if (grid && electricity && integrated && !isWithinRounding(grid.plus(electricity).minus(integrated))) {
    odd.push('integrated');
  }
  if (grid && gridUsage && gridUsage.minus(grid).sign > 0) odd.push('grid_usage');
  return odd;
}

function isWithinRounding(difference: Decimal): boolean {
  return difference.abs().minus(ROUNDING).sign <= 0;
}
