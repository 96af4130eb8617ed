import type pg from 'pg';
import type { SourceCall } from '../../domain/source-call.ts';
import { writeCalls } from '../../ingestors/monitor/write-calls.ts';

const CALL: SourceCall = {
  source: 'PJM',
  endpoint: 'da_hrl_lmps',
  at: 0,
  latencyMs: 100,
  outcome: 'OK',
  status: 200,
  bytes: 1_000,
  error: undefined,
};

/** A call as a test needs it: an answered one of PJM's day-ahead prices where nothing is said. */
export function sourceCall(of: Partial<SourceCall>): SourceCall {
  return { ...CALL, ...of };
}

let written = 0;

/** Stores calls, in the order they were made. */
export async function storeCalls(pool: pg.Pool, calls: readonly Partial<SourceCall>[]): Promise<void> {
  const numbered = calls.map((call) => ({ ...sourceCall(call), seq: ++written }));
  await writeCalls(pool, 'a test', numbered);
}
