import { setTimeout as sleep } from 'node:timers/promises';
import { createSourceEventStream, type ExecutionArgs, type ExecutionResult, GraphQLError } from 'graphql';
import { BusbarError } from '../../domain/errors.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Tenure } from '../auth/tenure.ts';
import type { ErrorMask } from '../errors.ts';
import { executesOf } from './compiled-operations.ts';
import type { Conflation } from './conflation.ts';
import { fellBehind } from './fell-behind.ts';
import { isPlaced, type Placed } from './live-update.ts';
import { EveryFrames, type Frame, LatestFrames, MemberBacklog } from './member-backlog.ts';
import { isOpeningSource, type Opening, type OpeningSource } from './opening.ts';
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
 * States: open → started → closed, when the source ends, an event is lost or the last member leaves. The pump waits for a member
 * only while that catches up alone.
 *
 * An event of which nothing could be answered (`data` is null) is **lost**: it ends the group with its errors and the cursor of the
 * event before, so that whoever resumes there gets it again, and nobody gets one error after another. Where a nullable field failed
 * the rest is worth having: each update then says which of its nulls are errors, and the log says it once.
 *
 * It **stands** at the cursor of the event that was offered last. Another group of the same question that stands there, too, can hand
 * its members over (`QuestionGroups`).
 *
 * Whatever ends it says where to go on: where the source stands, if all it gave was offered, or else behind the event that was
 * offered last or, where none was, where the source began.
 *
 * Where the source has openings, a member is first told its own: those who join at one moment share it. Until then it has seen
 * nothing, and what ends it names no cursor.
 */
export class SubscriptionGroup {
  readonly #options: GroupOptions;
  readonly #mask: ErrorMask;
  readonly #members = new Map<Member, Seat>();
  /** What openings were answered with, for all who share them. */
  readonly #openings = new WeakMap<Opening, Promise<ExecutionResult>>();
  #openingSource: OpeningSource | undefined;
  #placed: Placed | undefined;
  #starting: Promise<ExecutionResult | undefined> | undefined;
  #source: AsyncIterator<unknown> | undefined;
  #executes: ReturnType<typeof executesOf> | undefined;
  #closed = false;
  /** Of the event that was offered last. */
  #cursor: string | undefined;

  constructor(options: GroupOptions) {
    this.#options = options;
    this.#mask = options.mask.ofEvents();
  }

  /** Where whoever has been given everything that it offered is to go on; undefined where it has no such place yet. */
  get stands(): string | undefined {
    return this.#cursor ?? this.#options.after;
  }

  /** Whether it has offered all there is: what comes next is yet to come. */
  get isUpToDate(): boolean {
    return this.#placed?.isUpToDate ?? false;
  }

  /**
   * @param opens whether it is first told how things stand.
   * @param tenure with which it leaves again.
   */
  join(opens: boolean, tenure?: Tenure): Member {
    const { metrics } = this.#options;
    const seat: Seat = { backlog: this.#createBacklog(opens), group: this, stopForgetting: undefined };
    let forget: () => void = () => undefined;
    const member: Member = new Stream(seat.backlog, () => {
      forget();
      metrics.liveMembers.dec();
      seat.stopForgetting?.();
      seat.group.#left(member);
    });
    metrics.liveMembers.inc();
    this.#members.set(member, seat);
    if (tenure) forget = tenure.whenOver((reason) => seat.group.#endAtCursor(member, reason));
    return member;
  }

  /** Takes the members of another group that stands where this one does, which ends it. What waits for them they keep. */
  adopt(other: SubscriptionGroup): void {
    for (const [member, seat] of other.#members) {
      seat.group = this;
      this.#members.set(member, seat);
    }
    other.#members.clear();
    other.#close();
  }

  /** @returns what to answer where the source could not be had; undefined where events will come. */
  start(): Promise<ExecutionResult | undefined> {
    this.#starting ??= this.#subscribe();
    return this.#starting;
  }

  /** Tells a member its opening, where the source has any. To be called once the source is there. */
  async open(member: Member): Promise<void> {
    const seat = this.#members.get(member);
    const source = this.#openingSource;
    if (!seat || seat.backlog.opened || !source) return;
    const { backlog } = seat;
    try {
      const opening = await source.opening();
      const answering = this.#openings.get(opening) ?? this.#execute(opening.event);
      this.#openings.set(opening, answering);
      const first = await answering;
      if (!first.data) return member.end({ last: first });
      backlog.open(opening.told, first);
      member.stir();
      if (!member.open) return;
      seat.stopForgetting = opening.told.whenPassed(() => void forgetTold(source, member, backlog));
    } catch (error) {
      member.end({ last: withoutCursor(this.#errorResult(error)) });
    }
  }

  /** Ends every member with a result that says why. */
  close(reason: BusbarError): void {
    this.#endMembers(this.#atCursor(reason));
  }

  /** The reason with the place to go on from. */
  #atCursor(reason: BusbarError): BusbarError {
    const details = { ...this.#place, ...reason.details };
    return new BusbarError(reason.code, reason.message, { cause: reason, details });
  }

  get #place(): { readonly cursor?: string } {
    const cursor = this.#placed?.head ?? this.#cursor ?? this.#beginning;
    return cursor === undefined ? {} : { cursor };
  }

  /** Where members have openings, they begin there. */
  get #beginning(): string | undefined {
    return this.#openingSource ? undefined : this.#placed?.beginning;
  }

  async #subscribe(): Promise<ExecutionResult | undefined> {
    try {
      const source = await createSourceEventStream(this.#options.args);
      if (!isAsyncIterable(source)) return this.#refused(source);
      if (isOpeningSource(source)) this.#openingSource = source;
      if (isPlaced(source)) this.#placed = source;
      this.#source = source[Symbol.asyncIterator]();
    } catch (error) {
      return this.#refused({ errors: [this.#mask.error(error)] });
    }
    if (this.#closed) release(this.#source);
    else void this.#pump(this.#source);
    return undefined;
  }

  #refused(result: ExecutionResult): ExecutionResult {
    this.#close();
    return this.#mask.result(result);
  }

  async #pump(source: AsyncIterator<unknown>): Promise<void> {
    try {
      for (;;) {
        const restMs = await this.#pumpNext(source);
        if (restMs === undefined) break;
        await sleep(restMs);
      }
      for (const member of this.#members.keys()) member.end();
    } catch (error) {
      this.#endMembers(error);
    }
  }

  /**
   * For itself, since a function that waited for the next event would hold the last one and what was made of it: of hundreds of
   * groups that is most of what the garbage collector has to carry over.
   * @returns how long to rest; undefined where that was the last.
   */
  async #pumpNext(source: AsyncIterator<unknown>): Promise<number | undefined> {
    if (this.#placed?.isCatchingUp) await this.#onlyMember?.drained();
    const { done, value: event } = await source.next();
    if (done) return undefined;
    const startedAt = performance.now();
    const result = await this.#execute(event, this.#place);
    if (!result.data) {
      this.#endWith(result);
      return undefined;
    }
    for (const member of this.#members.keys()) this.#offer(member, { event, result });
    const from = this.stands;
    this.#cursor = cursorOf(event) ?? this.#cursor;
    if (!this.#closed) this.#options.onOffered(from);
    return FRAME_SPACING_MS - (performance.now() - startedAt);
  }

  /** Who catches up alone is given the past as fast as it takes that, and does not fall behind in it. */
  get #onlyMember(): Member | undefined {
    return this.#members.size === 1 ? this.#members.keys().next().value : undefined;
  }

  #offer(member: Member, frame: Frame): void {
    if (member.offer(frame)) return;
    this.#options.metrics.overflowCloses.inc();
    // What it has waiting ends with the event before this one.
    this.#end(member, this.#errorResult(fellBehind(this.#place.cursor)));
  }

  /** @param lost what is said where nothing could be answered. */
  async #execute(event: unknown, lost: { readonly cursor?: string } = {}): Promise<ExecutionResult> {
    const { args, freshContext, metrics } = this.#options;
    const stop = metrics.operationSeconds.startTimer({ operation: 'subscription' });
    this.#executes ??= executesOf(args);
    const result = await this.#executes(event, freshContext());
    stop();
    return this.#mask.result(result, result.data ? {} : lost);
  }

  #createBacklog(opens: boolean): MemberBacklog {
    const { createConflation, memberFramesMax } = this.#options;
    const frames = createConflation ? new LatestFrames(createConflation()) : new EveryFrames(memberFramesMax);
    return new MemberBacklog(frames, (event) => this.#execute(event), opens);
  }

  #endMembers(error: unknown): void {
    this.#endWith(this.#errorResult(error));
  }

  #endWith(last: ExecutionResult): void {
    for (const member of this.#members.keys()) this.#end(member, last);
  }

  #endAtCursor(member: Member, reason: BusbarError): void {
    this.#end(member, this.#errorResult(this.#atCursor(reason)));
  }

  #end(member: Member, last: ExecutionResult): void {
    member.end({ last: this.#members.get(member)?.backlog.opened ? last : withoutCursor(last) });
  }

  #left(member: Member): void {
    this.#members.delete(member);
    if (this.#members.size === 0) this.#close();
  }

  #errorResult(error: unknown): ExecutionResult {
    return { errors: [this.#mask.error(error)] };
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
  /** The cursor after which it begins. */
  readonly after: string | undefined;
  readonly freshContext: () => object;
  readonly mask: ErrorMask;
  readonly metrics: Metrics;
  readonly memberFramesMax: number;
  /** It has offered an event. @param from where it stood before. */
  readonly onOffered: (from: string | undefined) => void;
  readonly onClosed: () => void;
}

/** A member's place, which it keeps when its group hands it over. */
interface Seat {
  readonly backlog: MemberBacklog;
  group: SubscriptionGroup;
  /** Takes back its waiting until its opening can be forgotten. */
  stopForgetting: (() => void) | undefined;
}

/** What the source was given goes through its hands, and then through the member's. What is left at an end is still judged. */
async function forgetTold(source: OpeningSource, member: Member, backlog: MemberBacklog): Promise<void> {
  if ((await source.drained()) && (await member.drained())) backlog.forgetTold();
}

/** For whoever has not been told what the cursor lies behind. */
function withoutCursor({ errors = [], ...rest }: ExecutionResult): ExecutionResult {
  return { ...rest, errors: errors.map(uncursored) };
}

function uncursored(error: GraphQLError): GraphQLError {
  const { cursor: _, ...extensions } = error.extensions;
  return new GraphQLError(error.message, { nodes: error.nodes ?? null, path: error.path ?? null, extensions });
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
