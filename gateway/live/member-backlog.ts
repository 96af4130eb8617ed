import type { ExecutionResult } from 'graphql';
import type { Conflation } from './conflation.ts';
import type { Backlog } from './stream.ts';

/** One event of a group and the result all members share. */
export interface Frame {
  readonly event: unknown;
  readonly result: ExecutionResult;
}

/** EVERY: results in order, up to a bound. They are shared, so what waits costs a member its references only. */
export class EveryMemberBacklog implements Backlog<Frame, ExecutionResult> {
  readonly #framesMax: number;
  #frames: Frame[] = [];

  constructor(framesMax: number) {
    this.#framesMax = framesMax;
  }

  add(frame: Frame): boolean {
    if (this.#frames.length >= this.#framesMax) return false;
    this.#frames.push(frame);
    return true;
  }

  take(): ExecutionResult | undefined {
    return this.#frames.shift()?.result;
  }

  clear(): void {
    this.#frames = [];
  }
}

/** Shared results a LATEST member may have waiting before it goes its own, conflated way. */
const LATEST_FRAMES_MAX = 4;

/**
 * LATEST: shared results while the member keeps up. Once a few wait, further events are conflated instead, and when the
 * member has drained, what came together is executed for it alone. Events that come during that execution are
 * conflated too, so that nothing overtakes it; then the member is back with the others.
 */
export class LatestMemberBacklog implements Backlog<Frame, ExecutionResult> {
  readonly #conflation: Conflation<unknown>;
  readonly #execute: (event: unknown) => Promise<ExecutionResult>;
  #frames: Frame[] = [];
  #behind = false;
  #executing = false;

  constructor(conflation: Conflation<unknown>, execute: (event: unknown) => Promise<ExecutionResult>) {
    this.#conflation = conflation;
    this.#execute = execute;
  }

  add(frame: Frame): boolean {
    this.#behind ||= this.#frames.length >= LATEST_FRAMES_MAX;
    if (this.#behind || this.#executing) {
      this.#behind = true;
      this.#conflation.add(frame.event);
    } else this.#frames.push(frame);
    return true;
  }

  take(): ExecutionResult | Promise<ExecutionResult> | undefined {
    const frame = this.#frames.shift();
    if (frame) return frame.result;
    const event = this.#conflation.take();
    this.#behind = false;
    return event === undefined ? undefined : this.#executeAlone(event);
  }

  clear(): void {
    this.#frames = [];
    this.#conflation.clear();
  }

  async #executeAlone(event: unknown): Promise<ExecutionResult> {
    this.#executing = true;
    try {
      return await this.#execute(event);
    } finally {
      this.#executing = false;
    }
  }
}
