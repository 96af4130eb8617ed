/** What watches the sources for a process: it keeps the calls that the process makes, and tells which sources are up. */
import type { Metrics } from '../../runtime/metrics.ts';
import { type CallLog, type CallLogParts, createCallLog } from './call-log.ts';
import { tellSourcesUp } from './source-up.ts';

/** As often as alerts are looked for. */
const TELL_EVERY_MS = 15_000;

export interface MonitorParts extends CallLogParts {
  readonly metrics: Metrics;
  /** Milliseconds UTC. */
  readonly clock: () => number;
}

export function startMonitor(parts: MonitorParts): CallLog {
  const calls = createCallLog(parts);
  const tell = () => void tellSourcesUp(parts.pool, parts.metrics, parts.clock());
  const telling = setInterval(tell, TELL_EVERY_MS);
  telling.unref();
  tell();
  return {
    made: calls.made,
    stop: async () => {
      clearInterval(telling);
      await calls.stop();
    },
  };
}
