import { pino } from 'pino';
import { MARK_RUNS } from '../../domain/mark-price.ts';
import type { PnlHubOptions } from '../../gateway/positions/pnl-hub.ts';
import type { LiveBus, LmpTick } from '../../runtime/live-bus/live-bus.ts';
import { createRingBus } from '../../runtime/live-bus/ring-bus.ts';

export const silent = pino({ level: 'silent' });

export function ringBus(entriesMax = 100_000): LiveBus {
  return createRingBus({ window: { entriesMax, ageMsMax: 3_600_000 }, clock: Date.now });
}

/** What a hub needs of positions where there are none. */
export const NO_POSITIONS: Pick<PnlHubOptions, 'source' | 'runs' | 'clock'> = {
  source: { positions: async () => [], prices: async () => [] },
  runs: MARK_RUNS,
  clock: Date.now,
};

export function tick(node: string, lmp: number, changes: Partial<LmpTick> = {}): LmpTick {
  return {
    node,
    run: 'REAL_TIME_5_MIN',
    startAt: Date.UTC(2026, 0, 1),
    endAt: Date.UTC(2026, 0, 1, 0, 5),
    lmp,
    energy: lmp,
    congestion: 0,
    loss: 0,
    ghg: null,
    revision: 0,
    flags: [],
    publishedAt: Date.UTC(2026, 0, 1),
    ledgerId: 1,
    ...changes,
  };
}

/** Announces as one source; each batch becomes one entry. */
export function announcer(bus: LiveBus, source = 'test/0') {
  let sequence = 0;
  return {
    announce: (...batches: readonly (readonly LmpTick[])[]) =>
      bus.announce('lmp', { source, sequence: ++sequence, batches }),
    /** One entry with one tick, whose price is the number. */
    price: (lmp: number, node = 'PJM:A') =>
      bus.announce('lmp', { source, sequence: ++sequence, batches: [[tick(node, lmp)]] }),
  };
}
