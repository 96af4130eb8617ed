import type { Writable } from 'node:stream';
import { MessageType } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Metrics } from '../../runtime/metrics.ts';
import { SharedFrame } from '../sockets/shared-frame.ts';

/** Bytes a socket may have unsent before its subscriptions wait for it; what the kernel took does not count. */
const BUFFERED_BYTES_MAX = 256 * 1024;

/**
 * Writes a subscription's results to its socket and yields nothing: graphql-ws iterates it as it would iterate the
 * results, and sends the completion when it is done.
 *
 * Members of a group receive the same result objects, so a result is made into a frame once, in which each subscriber's id is put,
 * and written to the connection in one piece: `ws` would encode the text anew for every socket and write its head apart. Nothing
 * that `ws` sends can come in between, since it compresses nothing and so writes at once. A socket that does not take what it
 * is sent stops its subscriptions' pulling; what then waits is bounded by their backlogs.
 * @param wire the connection below the socket.
 * @param onEnded called when nothing more will be written, perhaps more than once.
 */
export function socketStream(
  source: AsyncIterable<object>,
  id: string,
  { socket, wire }: { readonly socket: WebSocket; readonly wire: Writable },
  metrics: Metrics,
  onEnded: () => void = () => undefined,
  bufferedBytesMax = BUFFERED_BYTES_MAX,
): AsyncIterableIterator<never, undefined> {
  const results = source[Symbol.asyncIterator]();
  const name = Buffer.from(JSON.stringify(id));

  /** @returns what to wait for, where anything is. */
  const send = (result: object): Promise<void> | undefined => {
    metrics.framesSent.inc();
    const frame = frameOf(result);
    if (wire.writableLength > bufferedBytesMax) return new Promise((resolve) => frame.writeTo(wire, name, resolve));
    frame.writeTo(wire, name);
    return undefined;
  };

  const leave = async (): Promise<IteratorResult<never, undefined>> => {
    onEnded();
    await results.return?.();
    return { done: true, value: undefined };
  };

  /** For itself, since a function that waited for the next result would hold the last one, which may be a large snapshot. */
  const sendNext = async (): Promise<boolean> => {
    const { done, value } = await results.next();
    if (done || socket.readyState !== socket.OPEN) return false;
    const sent = send(value);
    if (sent) await sent;
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

/** As long as a result is on its way to anybody, its frame is kept with it. */
const frames = new WeakMap<object, SharedFrame>();

function frameOf(result: object): SharedFrame {
  const known = frames.get(result);
  if (known) return known;
  const frame = new SharedFrame('{"id":', `,"type":"${MessageType.Next}","payload":${JSON.stringify(result)}}`);
  frames.set(result, frame);
  return frame;
}
