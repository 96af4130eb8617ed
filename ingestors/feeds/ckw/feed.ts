import { BusbarError } from '../../../domain/errors.ts';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineFeed } from '../../feed.ts';
import { createControlSignalsPoller } from './control-signals-poller.ts';
import { decodeControlSignals } from './decode-control-signals.ts';
import { decodePlantStatus, plantStatusAt } from './decode-plant-status.ts';
import { decodeTariffs, tariffsPublishedAt } from './decode-tariffs.ts';
import { isTariffName, SIGNALS, TARIFF_NAMES } from './names.ts';
import { createPlantStatusPoller } from './plant-status-poller.ts';
import { signalRequests, tariffRequests } from './requests.ts';
import { CKW_ENV } from './settings.ts';
import { createTariffsPoller } from './tariffs-poller.ts';

/** Quarter-hourly retail tariffs; see README.md in this folder. */
export const ckwTariffs = defineFeed({
  id: 'ckw-tariffs',
  family: 'tariffs',
  title: 'CKW dynamic tariffs',
  streams: { 'retail.tariffs.ckw': [...TARIFF_NAMES] },
  decode: decodeTariffs,
  publishedAt: ({ bytes }) => tariffsPublishedAt(bytes),
  source: {
    kind: 'poll',
    env: CKW_ENV,
    everyMs: 30 * MINUTE_MS,
    partitions: ({ CKW_TARIFFS }) => CKW_TARIFFS,
    // Only prices of pricing nodes are owed in a way that could be told.
    expectations: () => [],
    chunks: (_, partition, { from, to, nodes }) => {
      requireNoNodes(nodes);
      if (isTariffName(partition)) return tariffRequests(partition, { from, to });
      throw new BusbarError('BAD_USER_INPUT', `CKW has no tariff ${partition}: ask for ${TARIFF_NAMES.join(' or ')}`);
    },
    open: (settings, parts) => createTariffsPoller(settings, parts),
  },
});

/** How plants of CKW are. */
export const ckwPlantStatus = defineFeed({
  id: 'ckw-plant-status',
  family: 'plant-status',
  title: 'CKW live status of power plants',
  decode: decodePlantStatus,
  publishedAt: ({ bytes }) => plantStatusAt(bytes),
  source: {
    kind: 'poll',
    env: CKW_ENV,
    everyMs: 15 * MINUTE_MS,
    partitions: ({ CKW_PLANTS }) => CKW_PLANTS,
    expectations: () => [],
    chunks: () => {
      throw new BusbarError('BAD_USER_INPUT', 'CKW tells only how a plant is now: what was not asked then is lost');
    },
    open: (settings, parts) => createPlantStatusPoller(settings, parts),
  },
});

/** Ripple control signals of CKW. */
export const ckwControlSignals = defineFeed({
  id: 'ckw-control-signals',
  family: 'control-signals',
  title: 'CKW ripple control signals',
  decode: decodeControlSignals,
  source: {
    kind: 'poll',
    env: CKW_ENV,
    everyMs: 6 * 60 * MINUTE_MS,
    partitions: ({ CKW_CONTROL_SIGNALS }) => (CKW_CONTROL_SIGNALS ? [SIGNALS] : []),
    expectations: () => [],
    chunks: (_, partition, { from, to, nodes }) => {
      requireNoNodes(nodes);
      if (partition === SIGNALS) return signalRequests({ from, to });
      throw new BusbarError('BAD_USER_INPUT', `CKW has no signals ${partition}: ask for ${SIGNALS}`);
    },
    open: (settings, parts) => createControlSignalsPoller(settings, parts),
  },
});

export const CKW_FEEDS = [ckwTariffs, ckwPlantStatus, ckwControlSignals] as const;

function requireNoNodes(nodes: readonly string[] | undefined): void {
  if (nodes && nodes.length > 0) throw new BusbarError('BAD_USER_INPUT', 'CKW has no pricing nodes: leave them out');
}
