import { HOUR_MS, MINUTE_MS } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import { createRecordDecoder, type Fields, instantFrom, missing, nodeFrom, Refusal, shown } from './record.ts';

/**
 * Decodes the JSON price topics. One log record is one UTF-8 JSON object and becomes one fact or one reject.
 *
 *     prices            {"ts","hub","price_mwh"}                                    [ts, ts)        a tick is a point
 *     dayahead_prices   {"ts","hub","lmp_da","energy_da","congestion_da","loss_da"} [ts, ts + 1 h)  ts on the hour
 *     realtime_prices   {"ts","hub","lmp_rt","energy_rt","congestion_rt","loss_rt"} [ts, ts + 5 min)
 *
 * A component that is null or absent is null, never 0. Fields beyond these are ignored; of a field that stands twice the
 * last counts, as everywhere in JSON. Whether an instant is plausible is for the pipeline to say, which has a clock.
 */
interface Format {
  readonly run: MarketRun;
  readonly lengthMs: number;
  /** `ts` has to be a multiple of this. */
  readonly gridMs: number;
  readonly lmp: string;
  readonly energy?: string;
  readonly congestion?: string;
  readonly loss?: string;
}

export const decodePrices = createPriceDecoder({ run: 'SPOT', lengthMs: 0, gridMs: 1, lmp: 'price_mwh' });

export const decodeDayaheadPrices = createPriceDecoder({
  run: 'DAY_AHEAD_HOURLY',
  lengthMs: HOUR_MS,
  gridMs: HOUR_MS,
  lmp: 'lmp_da',
  energy: 'energy_da',
  congestion: 'congestion_da',
  loss: 'loss_da',
});

export const decodeRealtimePrices = createPriceDecoder({
  run: 'REAL_TIME_5_MIN',
  lengthMs: 5 * MINUTE_MS,
  gridMs: 1,
  lmp: 'lmp_rt',
  energy: 'energy_rt',
  congestion: 'congestion_rt',
  loss: 'loss_rt',
});

function createPriceDecoder(format: Format) {
  return createRecordDecoder((fields) => factFrom(fields, format));
}

function factFrom(fields: Fields, format: Format): LmpFact {
  const startAt = instantFrom(fields.ts, format.gridMs);
  return {
    node: nodeFrom(fields.hub),
    run: format.run,
    startAt,
    endAt: startAt + format.lengthMs,
    lmp: priceFrom(fields, format.lmp),
    energy: componentFrom(fields, format.energy),
    congestion: componentFrom(fields, format.congestion),
    loss: componentFrom(fields, format.loss),
    ghg: null,
  };
}

function priceFrom(fields: Fields, name: string): number {
  const price = componentFrom(fields, name);
  if (price === null) throw missing(name);
  return price;
}

/** @returns null where the field is null or absent, or the format has no such field. */
function componentFrom(fields: Fields, name: string | undefined): number | null {
  const value = name === undefined ? undefined : fields[name];
  if (value === undefined || value === null) return null;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new Refusal('BAD_VALUE', `${name}: expected a finite number, got ${shown(value)}`);
}
