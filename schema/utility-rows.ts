/** What the store answers about utilities: tariffs, plants, control signals. Instants in milliseconds UTC. */
import type { ControlSignal } from '../domain/control-signal.ts';
import type { PlantReading } from '../domain/plant-status.ts';
import type { TariffPrice, TariffType } from '../domain/tariff.ts';
import type { Range } from './question.ts';

/** Which version a row is, and where it came from. */
interface Versioned {
  readonly revision: number;
  readonly publishedAt: number;
  readonly recordedAt: number;
  readonly ledgerId: number;
}

export interface TariffPriceRow extends Omit<TariffPrice, 'value'>, Versioned {
  /** Exact, as text. */
  readonly value: string;
}

export interface TariffQuestion extends Range {
  readonly provider: string;
  readonly tariffName?: string;
  readonly type?: TariffType;
  /** What was known then; undefined: now. */
  readonly asOf?: number;
}

export interface TariffComparisonQuestion extends Range {
  readonly provider: string;
  readonly type: TariffType;
  /** Two different names. */
  readonly base: string;
  readonly other: string;
  readonly cheapestHours: number;
}

export interface TariffComparisonRow extends Pick<TariffComparisonQuestion, 'provider' | 'type' | 'from' | 'to'> {
  /** Null: it has no prices there. */
  readonly base: TariffSummaryRow | null;
  readonly other: TariffSummaryRow | null;
  /** Null: no interval has both. */
  readonly difference: TariffDifferenceRow | null;
}

export interface TariffSummaryRow {
  readonly tariffName: string;
  readonly count: number;
  readonly average: number;
  readonly min: number;
  readonly max: number;
  /** The cheapest first; of equal ones the earlier. */
  readonly cheapestHours: readonly TariffHourRow[];
}

export interface TariffHourRow {
  readonly startAt: number;
  readonly endAt: number;
  readonly average: number;
}

/** other − base. */
export interface TariffDifferenceRow {
  readonly count: number;
  readonly average: number;
  readonly min: number;
  readonly max: number;
  /** 0 to 1. */
  readonly cheaperShare: number;
}

export interface PlantStatusRow extends PlantReading, Versioned {}

export interface ControlSignalRow extends ControlSignal, Versioned {}

export interface UtilityReads {
  /** @throws BusbarError `LIMIT_EXCEEDED`. */
  tariffs(asked: TariffQuestion): Promise<TariffPriceRow[]>;
  tariffComparison(asked: TariffComparisonQuestion): Promise<TariffComparisonRow>;
  /** The newest reading of each plant, or of one. */
  plantStatus(plant: string | undefined): Promise<PlantStatusRow[]>;
  /** @throws BusbarError `LIMIT_EXCEEDED`. */
  plantHistory(asked: Range & { readonly plant: string }): Promise<PlantStatusRow[]>;
  /** Of a day `2025-07-08`; undefined: of the last one that has any. */
  controlSignals(provider: string, date: string | undefined): Promise<ControlSignalRow[]>;
}
