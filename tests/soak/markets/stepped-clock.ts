import { AsyncLocalStorage } from 'node:async_hooks';
import type { Clock } from '../../../ingestors/feed.ts';

/**
 * Time that passes only while nobody works: it goes on to the next moment that somebody waits for once every task sleeps, or
 * waits for an answer that will not come. So an hour takes as long as its work does, and a busy machine makes nobody late:
 * what is asked five seconds apart arrives five seconds apart.
 *
 *   working ──sleep──────────────────▶ sleeping ──its moment──▶ working
 *      └─────the other side is silent─▶ waiting ──the deadline of its call──▶ working
 */
export interface SteppedClock extends Clock {
  /** Does the work as a task; only tasks may sleep. */
  task(work: () => Promise<void>): Promise<void>;
  /** The call that a task has just made will not be answered. */
  fellSilent(): void;
  /** The call of the present task is over. */
  callEnded(): void;
}

interface Task {
  call: Moment | undefined;
}

interface Moment {
  readonly at: number;
  come(): void;
}

/** A step that long after the last one means that somebody waits for what no clock brings. */
const STUCK_MS = 60_000;

/** @param tell is told of each new moment before anybody else. */
export function createSteppedClock(begin: number, tell: (now: number) => Promise<void>): SteppedClock {
  const present = new AsyncLocalStorage<Task>();
  const moments = new Set<Moment>();
  let now = begin;
  let tasks = 0;
  let idle = 0;
  let isStepping = false;
  let watch: NodeJS.Timeout | undefined;

  const stepIfIdle = () => {
    if (isStepping || tasks === 0 || idle < tasks) return;
    isStepping = true;
    void step().finally(() => {
      isStepping = false;
      stepIfIdle();
    });
  };
  const step = async () => {
    const next = Math.min(...Array.from(moments, ({ at }) => at));
    await tell(next);
    now = next;
    for (const moment of moments) if (moment.at <= now) come(moment);
  };
  const come = (moment: Moment) => {
    moments.delete(moment);
    moment.come();
  };
  const watched = () => {
    clearTimeout(watch);
    const stuck = () => {
      throw new Error(`the clock stands still: ${idle} of ${tasks} tasks wait for it`);
    };
    watch = tasks > 0 ? setTimeout(stuck, STUCK_MS) : undefined;
  };
  const idleUntil = (moment: Moment) => {
    moments.add(moment);
    idle += 1;
    watched();
    stepIfIdle();
  };
  const taskOf = () => {
    const task = present.getStore();
    if (!task) throw new TypeError('only a task may wait for this clock');
    return task;
  };
  return {
    now: () => now,
    sleep: (ms, signal) => {
      taskOf();
      signal?.throwIfAborted();
      if (ms <= 0) return Promise.resolve();
      return new Promise((resolve) => {
        const woken = () => {
          idle -= 1;
          resolve();
        };
        // Whole milliseconds, as those of Date.now().
        idleUntil({ at: Math.ceil(now + ms), come: woken });
      });
    },
    deadline: (ms) => {
      const over = new AbortController();
      const task = taskOf();
      const call: Moment = {
        at: now + ms,
        come: () => {
          // Time went on, so this call is one of those that are not answered.
          idle -= 1;
          task.call = undefined;
          over.abort();
        },
      };
      task.call = call;
      moments.add(call);
      return over.signal;
    },
    fellSilent: () => {
      idle += 1;
      stepIfIdle();
    },
    callEnded: () => {
      const task = present.getStore();
      if (task?.call) moments.delete(task.call);
      if (task) task.call = undefined;
    },
    task: async (work) => {
      tasks += 1;
      try {
        await present.run({ call: undefined }, work);
      } finally {
        tasks -= 1;
        watched();
        stepIfIdle();
      }
    },
  };
}
