import type { ExecutionResult } from 'graphql';
import type { Conflation } from './conflation.ts';
import { heldBytes } from './held-bytes.ts';
import type { Told } from './opening.ts';
import type { Backlog } from './stream.ts';

/** One event of a group and the result all members share. */
export interface Frame {
  readonly event: unknown;
  readonly result: ExecutionResult;
}

/** What waits for a member. A result is undefined where the event is to be executed for the member alone. */
export interface WaitingFrames {
  /** @returns false where it is full. */
  add(frame: Frame): boolean;
  next(): { readonly event: unknown; readonly result: ExecutionResult | undefined } | undefined;
  /** Told whether something is being executed for the member alone. */
  alone(executing: boolean): void;
  readonly isEmpty: boolean;
  clear(): void;
}

/**
 * What a member of a group is given: the shared results that wait for it, as long as they say just what it is to be told.
 *
 * States: a member with an opening is unopened → opened; any other is opened from the start. While it is unopened events wait.
 * Then the opening comes first, and of what waited and what comes, the part that is beyond it: all of it but for a moment. When
 * what the opening told can come no more, nothing is kept of it.
 */
export class MemberBacklog implements Backlog<Frame, ExecutionResult> {
  readonly #frames: WaitingFrames;
  readonly #execute: (event: unknown) => Promise<ExecutionResult>;
  #opened: boolean;
  #first: ExecutionResult | undefined;
  #told: Told | undefined;

  constructor(frames: WaitingFrames, execute: (event: unknown) => Promise<ExecutionResult>, opens: boolean) {
    this.#frames = frames;
    this.#execute = execute;
    this.#opened = !opens;
  }

  get opened(): boolean {
    return this.#opened;
  }

  /** @param first what the opening's event was answered with. */
  open(told: Told, first: ExecutionResult): void {
    this.#told = told;
    this.#first = first;
    this.#opened = true;
  }

  /** Nothing that waits or will come was told by the opening. */
  forgetTold(): void {
    this.#told = undefined;
  }

  add(frame: Frame): boolean {
    return this.#frames.add(frame);
  }

  take(): ExecutionResult | Promise<ExecutionResult> | undefined {
    if (!this.#opened) return undefined;
    const first = this.#first;
    this.#first = undefined;
    if (first) return first;
    for (let frame = this.#frames.next(); frame; frame = this.#frames.next()) {
      const { event, result } = frame;
      const beyond = this.#told ? this.#told.beyond(event) : event;
      if (beyond === undefined) continue;
      return beyond === event && result ? result : this.#executeAlone(beyond);
    }
    return undefined;
  }

  get isEmpty(): boolean {
    return this.#first === undefined && this.#frames.isEmpty;
  }

  clear(): void {
    this.#frames.clear();
  }

  async #executeAlone(event: unknown): Promise<ExecutionResult> {
    this.#frames.alone(true);
    try {
      return await this.#execute(event);
    } finally {
      this.#frames.alone(false);
    }
  }
}

/** What one EVERY member may keep of memory by falling behind: some 20,000 prices with ten fields each. */
const WAITING_BYTES_MAX = 16 * 1024 * 1024;

/**
 * EVERY: results in order, up to either bound. They are shared, so what waits costs references as long as others have it waiting too,
 * and what it holds where they have not. The one that is taken next always fits, however large it is, and is not counted: a member
 * that keeps up has no other, and nothing is ever measured for it.
 */
export class EveryFrames implements WaitingFrames {
  readonly #framesMax: number;
  readonly #bytesMax: number;
  #frames: Frame[] = [];
  /** Of all but the first. */
  #bytes = 0;

  constructor(framesMax: number, bytesMax = WAITING_BYTES_MAX) {
    this.#framesMax = framesMax;
    this.#bytesMax = bytesMax;
  }

  add(frame: Frame): boolean {
    if (this.#frames.length >= this.#framesMax) return false;
    if (this.#frames.length > 0) {
      const bytes = this.#bytes + bytesOf(frame);
      if (bytes > this.#bytesMax) return false;
      this.#bytes = bytes;
    }
    this.#frames.push(frame);
    return true;
  }

  next(): Frame | undefined {
    const frame = this.#frames.shift();
    const [first] = this.#frames;
    if (first) this.#bytes -= bytesOf(first);
    return frame;
  }

  alone(): void {}

  get isEmpty(): boolean {
    return this.#frames.length === 0;
  }

  clear(): void {
    this.#frames = [];
    this.#bytes = 0;
  }
}

/** By result, which is measured once for all members that have it waiting. */
const measured = new WeakMap<ExecutionResult, number>();

function bytesOf({ event, result }: Frame): number {
  const bytes = measured.get(result) ?? heldBytes(event) + heldBytes(result);
  measured.set(result, bytes);
  return bytes;
}

/** Shared results a LATEST member may have waiting before it goes its own, conflated way. */
const LATEST_FRAMES_MAX = 4;

/**
 * LATEST: shared results while the member keeps up. Once a few wait, further events are conflated instead, and when the
 * member has drained, what came together is executed for it alone. Events that come during that execution are
 * conflated too, so that nothing overtakes it; then the member is back with the others.
 */
export class LatestFrames implements WaitingFrames {
  readonly #conflation: Conflation<unknown>;
  #frames: Frame[] = [];
  #behind = false;
  #alone = false;

  constructor(conflation: Conflation<unknown>) {
    this.#conflation = conflation;
  }

  add(frame: Frame): boolean {
    this.#behind ||= this.#frames.length >= LATEST_FRAMES_MAX;
    if (this.#behind || this.#alone) {
      this.#behind = true;
      this.#conflation.add(frame.event);
    } else this.#frames.push(frame);
    return true;
  }

  next(): ReturnType<WaitingFrames['next']> {
    const frame = this.#frames.shift();
    if (frame) return frame;
    const event = this.#conflation.take();
    this.#behind = false;
    return event === undefined ? undefined : { event, result: undefined };
  }

  alone(executing: boolean): void {
    this.#alone = executing;
  }

  get isEmpty(): boolean {
    return this.#frames.length === 0 && !this.#behind;
  }

  clear(): void {
    this.#frames = [];
    this.#conflation.clear();
  }
}
