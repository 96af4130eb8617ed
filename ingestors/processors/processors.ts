/** What works on facts that are committed: forecasts of prices, and positions beyond the trades that move them. */
import type { Logger } from 'pino';
import { REWORK_TASK } from '../../prisma/operations/accounts.ts';
import type { CoreConfig } from '../../runtime/config.ts';
import type { Feed } from '../feed.ts';
import type { QueueTask } from '../jobs/queue-runner.ts';
import type { Recurring } from '../jobs/recurring.ts';
import type { EventLog } from '../sources/event-log.ts';
import { forecastsRecurring } from './forecasts/forecast-prices.ts';
import type { ProcessorParts } from './own-commit.ts';
import { createReworkTask } from './positions/rework-account.ts';
import { snapshotsOf } from './positions/snapshot-positions.ts';

export interface Processors {
  readonly recurring: readonly Recurring[];
  readonly tasks: Readonly<Record<string, QueueTask>>;
}

export function createProcessors(
  parts: ProcessorParts & {
    readonly core: Pick<CoreConfig, 'FORECASTS' | 'MARK_RUNS' | 'PNL_SNAPSHOT_SECONDS'>;
    readonly feeds: readonly Feed[];
    readonly eventLog: Pick<EventLog, 'append'>;
    readonly log: Logger;
  },
): Processors {
  const { core, feeds } = parts;
  const markRuns = core.MARK_RUNS;
  const everyMs = core.PNL_SNAPSHOT_SECONDS * 1_000;
  const prices = feeds.filter(({ family }) => family === 'lmp').map(({ id }) => id);
  return {
    recurring: [
      ...(core.FORECASTS ? [forecastsRecurring({ ...parts, feeds: prices })] : []),
      ...(everyMs > 0 ? [snapshotsOf({ ...parts, markRuns, everyMs })] : []),
    ],
    tasks: { [REWORK_TASK]: createReworkTask({ ...parts, markRuns }) },
  };
}
