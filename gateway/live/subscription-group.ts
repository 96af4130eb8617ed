import { setTimeout as sleep } from 'node:timers/promises';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { BusbarError } from '../../domain/errors.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { ErrorMask } from '../errors.ts';
import { executesOf } from './compiled-operations.ts';
import type { Conflation } from './conflation.ts';
import { fellBehind } from './fell-behind.ts';
import { EveryMemberBacklog, type Frame, LatestMemberBacklog } from './member-backlog.ts';
import { Stream } from './stream.ts';

/**
 * Least time from one frame to the next of a group. The first after a rest goes out at once; in a steady stream what
 * comes meanwhile goes out together. Writing frames to sockets is the largest part of the gateway's work: 26% of its time
 * at 19,000 frames/s of one tick.
 */
const FRAME_SPACING_MS = 10;

export type Member = Stream<Frame, ExecutionResult>;

/**
 * All subscriptions that are the same: one source stream, one execution an event, the result offered to every member.
 *
 * States: open → started → closed, when the source ends or the last member leaves. The pump never waits for a member.
 */
export class SubscriptionGroup {
  readonly #options: GroupOptions;
  readonly #members = new Set<Member>();
  #starting: Promise<ExecutionResult | undefined> | undefined;
  #source: AsyncIterator<unknown> | undefined;
  #executes: ReturnType<typeof executesOf> | undefined;
  #closed = false;
  /** Of the event that was offered last. */
  #cursor: string | undefined;

  constructor(options: GroupOptions) {
    this.#options = options;
  }

  join(): Member {
    const { metrics } = this.#options;
    const member: Member = new Stream(this.#createBacklog(), () => {
      metrics.liveMembers.dec();
      this.#members.delete(member);
      if (this.#members.size === 0) this.#close();
    });
    metrics.liveMembers.inc();
    this.#members.add(member);
    return member;
  }

  /** @returns what to answer where the source could not be had; undefined where events will come. */
  start(): Promise<ExecutionResult | undefined> {
    this.#starting ??= this.#subscribe();
    return this.#starting;
  }

  /** Ends every member with a result that says why. */
  close(reason: BusbarError): void {
    const details = this.#cursor === undefined ? reason.details : { cursor: this.#cursor, ...reason.details };
    this.#endMembers(new BusbarError(reason.code, reason.message, { cause: reason, details }));
  }

  async #subscribe(): Promise<ExecutionResult | undefined> {
    try {
      const source = await createSourceEventStream(this.#options.args);
      if (!isAsyncIterable(source)) return this.#refused(source);
      this.#source = source[Symbol.asyncIterator]();
    } catch (error) {
      return this.#refused({ errors: [this.#options.mask.error(error)] });
    }
    if (this.#closed) release(this.#source);
    else void this.#pump(this.#source);
    return undefined;
  }

  #refused(result: ExecutionResult): ExecutionResult {
    this.#close();
    return this.#options.mask.result(result);
  }

  async #pump(source: AsyncIterator<unknown>): Promise<void> {
    try {
      for (let next = await source.next(); !next.done; next = await source.next()) {
        const event = next.value;
        const startedAt = performance.now();
        const result = await this.#execute(event);
        for (const member of this.#members) this.#offer(member, { event, result });
        this.#cursor = cursorOf(event) ?? this.#cursor;
        await sleep(FRAME_SPACING_MS - (performance.now() - startedAt));
      }
      for (const member of this.#members) member.end();
    } catch (error) {
      this.#endMembers(error);
    }
  }

  #offer(member: Member, frame: Frame): void {
    if (member.offer(frame)) return;
    this.#options.metrics.overflowCloses.inc();
    // What it has waiting ends with the event before this one.
    member.end({ last: this.#errorResult(fellBehind(this.#cursor)) });
  }

  async #execute(event: unknown): Promise<ExecutionResult> {
    const { args, freshContext, mask, metrics } = this.#options;
    const stop = metrics.operationSeconds.startTimer({ operation: 'subscription' });
    this.#executes ??= executesOf(args);
    const result = await this.#executes(event, freshContext());
    stop();
    return mask.result(result);
  }

  #createBacklog() {
    const { createConflation, memberFramesMax } = this.#options;
    if (!createConflation) return new EveryMemberBacklog(memberFramesMax);
    return new LatestMemberBacklog(createConflation(), (event) => this.#execute(event));
  }

  #endMembers(error: unknown): void {
    const last = this.#errorResult(error);
    for (const member of this.#members) member.end({ last });
  }

  #errorResult(error: unknown): ExecutionResult {
    return { errors: [this.#options.mask.error(error)] };
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#options.onClosed();
    if (this.#source) release(this.#source);
  }
}

interface GroupOptions {
  readonly args: ExecutionArgs;
  /** Undefined: EVERY. */
  readonly createConflation: (() => Conflation<unknown>) | undefined;
  readonly freshContext: () => object;
  readonly mask: ErrorMask;
  readonly metrics: Metrics;
  readonly memberFramesMax: number;
  readonly onClosed: () => void;
}

/** Events that can be resumed after carry their cursor. */
function cursorOf(event: unknown): string | undefined {
  if (typeof event !== 'object' || event === null || !('cursor' in event)) return undefined;
  return typeof event.cursor === 'string' ? event.cursor : undefined;
}

/** Nobody listens to the source any more, so nobody could be told that its last words failed. */
function release(source: AsyncIterator<unknown>): void {
  source.return?.().catch(() => undefined);
}

function isAsyncIterable(value: AsyncIterable<unknown> | ExecutionResult): value is AsyncIterable<unknown> {
  return Symbol.asyncIterator in value;
}
