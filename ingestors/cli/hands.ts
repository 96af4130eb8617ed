/**
 * Who works on the job that a shell follows: the ingestors where any live, and else this shell, where it may.
 *
 *                 ┌──none for TAKE_OVER_MS──▶
 *   THE INGESTORS                             THIS SHELL, or NOBODY
 *                 ◀──ingestors live──────────┘
 *
 * Both at once would do no harm, since a chunk belongs to one attempt. But a shell plans by its own settings, and what it
 * works on is broken off by ctrl-C.
 */
import type pg from 'pg';
import { reachable } from '../../prisma/transaction.ts';
import type { Workers } from '../jobs/index.ts';
import { ingestorsLive } from '../jobs/liveness.ts';
import type { Session } from './session.ts';

export interface HandsParts {
  readonly session: Session;
  /** The job that is followed. */
  readonly job: number;
  /** Whether this shell may work. */
  readonly work: boolean;
  /** Tells who works, whenever that is news: one line. */
  readonly say: (line: string) => void;
}

const LOOK_EVERY_MS = 1_000;
/** Ingestors that are started anew are back by then. */
const TAKE_OVER_MS = 5_000;

export class Hands {
  readonly #parts: HandsParts;
  #whose: 'INGESTORS' | 'SHELL' | 'NOBODY' | undefined;
  #workers: Workers | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #livedAt = Number.NEGATIVE_INFINITY;
  #worked = false;

  constructor(parts: HandsParts) {
    this.#parts = parts;
  }

  /** Whether ingestors worked when it was looked last. */
  get areIngestors(): boolean {
    return this.#whose === 'INGESTORS';
  }

  /** Whether this shell ever worked. */
  get worked(): boolean {
    return this.#worked;
  }

  /** Sees who works and changes it where that is due; to be asked again and again. @throws BusbarError `UNAVAILABLE` */
  async look(): Promise<void> {
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    const live = await ingestorsLive(this.#parts.session.store.pool);
    this.#lookedAt = now;
    if (live) {
      this.#livedAt = now;
      if (!this.areIngestors) await this.#handOver();
    } else if (now - this.#livedAt >= TAKE_OVER_MS && (this.areIngestors || !this.#whose)) await this.#takeOver();
  }

  /** Breaks off what this shell works on, and leaves it to others at once. */
  async stop(): Promise<void> {
    await this.#workers?.stop();
    this.#workers = undefined;
  }

  async #handOver(): Promise<void> {
    const { work, say } = this.#parts;
    if (this.#whose) say('ingestors run now: they go on with it');
    else if (work) say('ingestors run: they work on it, and this shell follows');
    this.#whose = 'INGESTORS';
    await this.stop();
  }

  async #takeOver(): Promise<void> {
    const { session, job, work, say } = this.#parts;
    const gone = this.#whose ? 'no ingestors run any more' : 'no ingestors run';
    if (work) this.#workers = await startedWorkers(session);
    if (!work) say(`${gone}: nobody works on it (feeds jobs watch ${job} --work does it here)`);
    else if (this.#whose) say(`${gone}: this shell goes on with it`);
    this.#worked ||= work;
    this.#whose = work ? 'SHELL' : 'NOBODY';
  }
}

/** All that ingests is loaded only where this shell works: most commands do not. @throws BusbarError `UNAVAILABLE` */
async function startedWorkers(session: Session): Promise<Workers> {
  const { startWorkers } = await import('./workers.ts');
  return reachable(() => startWorkers(session));
}

/** Who sees to a job that this shell does not wait for, and how to follow it, as a sentence or two. */
export async function whoWorks(pool: pg.Pool, job: number): Promise<string> {
  return (await ingestorsLive(pool)) ? followText(job) : nobodyText(job);
}

export function followText(job: number): string {
  return `The ingestors that run see to it. Follow it: feeds jobs watch ${job}`;
}

export function nobodyText(job: number): string {
  return `No ingestors run: it waits for them. Do it here: feeds jobs watch ${job} --work`;
}
