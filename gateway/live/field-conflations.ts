import type { PnlUpdate, PositionRow } from '../../schema/trading-rows.ts';
import { SAME_POSITION } from '../positions/marked-position.ts';
import { type Conflation, NewestConflation, type Sameness } from './conflation.ts';
import { FORECAST_CHANNEL } from './forecast-channel.ts';
import type { LiveUpdate, UpdateShape } from './live-update.ts';
import { LMP_CHANNEL } from './lmp-channel.ts';

/**
 * By root field of a subscription that has LATEST: how to bring its events together for a client that is behind.
 * @param onDropped called for each event that gave way to a newer one.
 */
export function createFieldConflations(onDropped: () => void): Readonly<Record<string, () => Conflation<unknown>>> {
  const newest =
    <Event, Update extends LiveUpdate>(shape: UpdateShape<Event, Update>, sameness: Sameness<Event>) =>
    () =>
      new NewestConflation(shape, sameness, onDropped);
  return {
    lmp: newest(LMP_CHANNEL, LMP_CHANNEL.sameness),
    forecasts: newest(FORECAST_CHANNEL, FORECAST_CHANNEL.sameness),
    pnl: newest(PNL_UPDATES, SAME_POSITION),
  };
}

const PNL_UPDATES: UpdateShape<PositionRow, PnlUpdate> = {
  update: (cursor, positions) => ({ cursor, positions }),
  eventsIn: ({ positions }) => positions,
};
