/** Trades: through the pipeline, to subscribers of PnL, and what a price costs the positions. */
import { openBenchStore } from './bench-store.ts';
import { measureLive } from './trading/live.ts';
import { measureMarks } from './trading/marks.ts';
import { measurePipeline } from './trading/pipeline.ts';

export async function run() {
  const marks = measureMarks();
  const live = await measureLive();
  const store = await openBenchStore();
  try {
    return { pipeline: await measurePipeline(store), live, marks };
  } finally {
    await store.close();
  }
}
