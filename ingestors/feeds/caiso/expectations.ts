import { nodeNameFrom } from '../../../domain/market.ts';
import type { Expectation } from '../../feed.ts';
import { intervalMsOf, REPORTS } from './reports.ts';
import type { CaisoSettings } from './settings.ts';

/**
 * What the polled reports owe: every interval for every node of the settings. A day-ahead price is there before its
 * interval begins; a real-time one may come as late as the polls still ask for it.
 */
export function caisoExpectations(settings: CaisoSettings): readonly Expectation[] {
  const nodes = settings.CAISO_NODES.map((name) => nodeNameFrom('CAISO', name)).filter((node) => node !== undefined);
  if (nodes.length === 0) return [];
  return settings.CAISO_REPORTS.map((name) => ({
    partition: name,
    run: REPORTS[name].run,
    market: 'CAISO',
    nodes,
    intervalMs: intervalMsOf(REPORTS[name]),
    dueMs: REPORTS[name].realTime?.settlesAfterMs ?? 0,
  }));
}
