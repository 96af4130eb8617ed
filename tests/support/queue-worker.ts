import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { startQueue } from '../../ingestors/jobs/queue.ts';

export const QUEUE_WORKER = fileURLToPath(import.meta.url);
/** The task that the process takes up and never ends. */
export const HELD_TASK = 'held';

// As a program: a process with one worker, for a test to kill.
if (process.argv[1] === QUEUE_WORKER) {
  await startQueue({
    databaseUrl: process.env.DATABASE_URL ?? '',
    log: pino({ level: 'silent' }),
    crews: [
      {
        workers: 1,
        tasks: {
          [HELD_TASK]: async () => {
            console.log('taken up');
            await new Promise(() => {});
          },
        },
      },
    ],
  });
}
