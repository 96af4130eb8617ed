import { MINUTE_MS } from '../../../domain/instant.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import { defineFeed, type Expectation } from '../../feed.ts';
import { createReportPoller, intervalMsOf, reportChunks } from '../../sources/report-poller.ts';
import { decodeErcotLmp, publishedAtOf } from './decode.ts';
import { REPORTS } from './reports.ts';
import { credentialsIn, ERCOT_ENV, type ErcotSettings } from './settings.ts';
import { createErcotSource, ercotPlan } from './source.ts';

/** Settlement point prices and LMP of ERCOT's public API; see README.md in this folder. */
export const ercotLmp = defineFeed({
  id: 'ercot-lmp',
  family: 'lmp',
  title: 'ERCOT settlement point prices (public API)',
  streams: {
    'iso.rt.lmp.ercot': ['np6-905-cd', 'np6-788-cd'],
    'iso.da.lmp.ercot': ['np4-190-cd'],
  },
  unknownNodes: 'register',
  decode: decodeErcotLmp,
  publishedAt: publishedAtOf,
  source: {
    kind: 'poll',
    env: ERCOT_ENV,
    everyMs: 2 * MINUTE_MS,
    partitions: partitionsOf,
    expectations: expectationsOf,
    chunks: (settings, partition, asked) => reportChunks(ercotPlan(settings), partition, asked),
    open: (settings, parts) => createReportPoller(createErcotSource(settings, parts)),
  },
});

function partitionsOf(settings: ErcotSettings): ErcotSettings['ERCOT_REPORTS'] {
  return settings.ERCOT_NODES.length > 0 && credentialsIn(settings) ? settings.ERCOT_REPORTS : [];
}

/** SCED runs at no fixed second: no interval of np6-788-cd could be told to be missing, so it owes none. */
function expectationsOf(settings: ErcotSettings): readonly Expectation[] {
  const nodes = settings.ERCOT_NODES.map((name) => nodeNameFrom('ERCOT', name)).filter((node) => node !== undefined);
  return partitionsOf(settings)
    .filter((name) => name !== 'np6-788-cd')
    .map((name) => ({
      partition: name,
      run: REPORTS[name].run,
      market: 'ERCOT',
      nodes,
      intervalMs: intervalMsOf(REPORTS[name]),
      dueMs: REPORTS[name].settlesAfterMs,
    }));
}
