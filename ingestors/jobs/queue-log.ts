import { Logger as QueueLogger } from 'graphile-worker';
import type { Logger } from 'pino';

/**
 * What the queue says, as lines of ours. It tells of each job it takes and ends, which is no news, and of each task that
 * failed, which the task has said itself.
 */
export function queueLog(log: Logger): QueueLogger {
  return new QueueLogger(() => (level, message, meta) => {
    const isTrouble = (level === 'error' || level === 'warning') && meta?.failure === undefined;
    log[isTrouble ? 'warn' : 'debug']({ detail: message, err: meta?.error }, 'job queue');
  });
}
