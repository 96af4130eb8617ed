import { fileURLToPath } from 'node:url';
import { createPool } from '../../prisma/pool.ts';
import { createJobBench, inventedFeed, priceOf } from './job-bench.ts';

/** A process that carries out jobs of the invented feed, says what it asks, and never ends the request in `HELD`. */
export const JOB_WORKER = fileURLToPath(import.meta.url);

// As a program, for a test to kill.
if (process.argv[1] === JOB_WORKER) {
  const url = process.env.DATABASE_URL ?? '';
  const feed = inventedFeed({
    asked: [],
    answer: async (request) => {
      console.log(`asked ${request}`);
      if (request === process.env.HELD) await new Promise(() => {});
      return priceOf(request);
    },
  });
  const bench = await createJobBench({ url, pool: createPool({ url, max: 5 }) }, [feed]);
  await bench.startJobWorkers();
}
