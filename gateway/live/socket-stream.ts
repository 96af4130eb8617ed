import type { Writable } from 'node:stream';
import { MessageType } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Metrics } from '../../runtime/metrics.ts';
import { SharedFrame } from '../sockets/shared-frame.ts';
import { roomOn } from '../sockets/wire-room.ts';
import { LastFrames } from './last-frames.ts';
import type { Stream } from './stream.ts';

/** What a socket may have unsent before its subscriptions wait for it; what the kernel took does not count. */
const UNSENT_BYTES_MAX = 256 * 1024;

/**
 * Writes a subscription's results to its socket and yields nothing: graphql-ws iterates it as it would iterate the
 * results, and sends the completion when it is done.
 *
 * Members of a group receive the same result objects, so a result is made into a frame once, in which each subscriber's id is put,
 * and written to the connection in one piece: `ws` would encode the text anew for every socket and write its head apart. Nothing
 * that `ws` sends can come in between, since it compresses nothing and so writes at once. A socket that does not take what it
 * is sent stops its subscriptions' pulling; what then waits is bounded by their backlogs, and where their streams have ended,
 * in time.
 */
export function socketStream(
  source: Stream<never, object>,
  id: string,
  { socket, wire }: { readonly socket: WebSocket; readonly wire: Writable },
  { metrics, untakenMsMax, onEnded }: SocketStreamOptions,
): AsyncIterableIterator<never, undefined> {
  const name = Buffer.from(JSON.stringify(id));
  const lastFrames = new LastFrames(source, untakenMsMax, () => {
    metrics.socketsClosed.inc({ reason: 'untaken' });
    socket.terminate();
  });
  let left = false;

  const leave = async (): Promise<IteratorResult<never, undefined>> => {
    left = true;
    lastFrames.over();
    onEnded();
    await source.return();
    return { done: true, value: undefined };
  };

  /** For itself, since a function that waited for the next result would hold the last one, which may be a large snapshot. */
  const sendNext = async (): Promise<boolean> => {
    // What is not taken yet is bounded, or brought together.
    const room = roomOn(wire, UNSENT_BYTES_MAX);
    if (room) await room;
    const { done, value } = await source.next();
    if (done) return false;
    // In the turn of the write: all who waited are woken together, and the first may have filled it anew.
    for (let left = roomOn(wire, UNSENT_BYTES_MAX); left; left = roomOn(wire, UNSENT_BYTES_MAX)) await left;
    if (left || socket.readyState !== socket.OPEN) return false;
    metrics.framesSent.inc();
    frameOf(value).writeTo(wire, name);
    lastFrames.taken();
    return true;
  };

  return {
    async next() {
      while (await sendNext());
      return leave();
    },
    return: leave,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

interface SocketStreamOptions {
  readonly metrics: Metrics;
  /** How long each result may wait to be taken once the stream has ended, before the socket is cut. */
  readonly untakenMsMax: number;
  /** Called when nothing more will be written, perhaps more than once. */
  readonly onEnded: () => void;
}

/** As long as a result is on its way to anybody, its frame is kept with it. */
const frames = new WeakMap<object, SharedFrame>();

function frameOf(result: object): SharedFrame {
  const known = frames.get(result);
  if (known) return known;
  const frame = new SharedFrame('{"id":', `,"type":"${MessageType.Next}","payload":${JSON.stringify(result)}}`);
  frames.set(result, frame);
  return frame;
}
