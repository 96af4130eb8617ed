import type { UtilityReads } from '../../schema/utility-rows.ts';
import { readControlSignals } from './control-signals.ts';
import { readPlantHistory, readPlantStatus } from './plant-status.ts';
import type { Queryable } from './statement.ts';
import { readTariffComparison } from './tariff-comparison.ts';
import { readTariffs } from './tariffs.ts';

export function createUtilityReads(pool: Queryable): UtilityReads {
  return {
    tariffs: (asked) => readTariffs(pool, asked),
    tariffComparison: (asked) => readTariffComparison(pool, asked),
    plantStatus: (plant) => readPlantStatus(pool, plant),
    plantHistory: (asked) => readPlantHistory(pool, asked),
    controlSignals: (provider, date) => readControlSignals(pool, provider, date),
  };
}
