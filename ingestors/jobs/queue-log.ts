import { Logger as QueueLogger } from 'graphile-worker';
import type { Logger } from 'pino';

/**
 * What the queue says, as lines of ours. It tells of each job it takes and ends, which is no news, and of each task that
 * failed, which the task has said itself.
 */
export function queueLog(log: Logger): QueueLogger {
  return new QueueLogger(() => (level, message, meta) => {
    const isTrouble = (level === 'error' || level === 'warning') && meta?.failure === undefined && !isPoolSize(meta);
    log[isTrouble ? 'warn' : 'debug']({ detail: message, err: meta?.error }, 'job queue');
  });
}

/**
 * It would have a connection for each worker. A worker needs one for the milliseconds in which it takes or ends a job: 33 of
 * them on five connections end 140 jobs a second, and their polls are a few a minute each. With one each, 19 stayed open
 * while there was nothing to do.
 */
function isPoolSize(meta: Readonly<Record<string, unknown>> | undefined): boolean {
  return meta?.max !== undefined && meta.concurrency !== undefined;
}
