import { MessageType } from 'graphql-ws';
import type { WebSocket } from 'ws';
import type { Metrics } from '../../runtime/metrics.ts';

/** Bytes a socket may have unsent before its subscriptions wait for it; what the kernel took does not count. */
const BUFFERED_BYTES_MAX = 256 * 1024;

/**
 * Writes a subscription's results to its socket and yields nothing: graphql-ws iterates it as it would iterate the
 * results, and sends the completion when it is done.
 *
 * Members of a group receive the same result objects, so a result is made into JSON once, and a frame is these shared
 * bytes behind the subscriber's id. A socket that does not take what it is sent stops its subscriptions' pulling; what
 * then waits is bounded by their backlogs.
 * @param onEnded called when nothing more will be written, perhaps more than once.
 */
export function socketStream(
  source: AsyncIterable<object>,
  id: string,
  socket: WebSocket,
  metrics: Metrics,
  onEnded: () => void = () => undefined,
  bufferedBytesMax = BUFFERED_BYTES_MAX,
): AsyncIterableIterator<never, undefined> {
  const results = source[Symbol.asyncIterator]();
  const head = `{"id":${JSON.stringify(id)},"type":"${MessageType.Next}","payload":`;

  const send = async (result: object) => {
    const frame = `${head}${jsonOf(result)}}`;
    metrics.framesSent.inc();
    if (socket.bufferedAmount <= bufferedBytesMax) return socket.send(frame, ignoreClosed);
    await new Promise<void>((resolve) => socket.send(frame, () => resolve()));
  };

  const leave = async (): Promise<IteratorResult<never, undefined>> => {
    onEnded();
    await results.return?.();
    return { done: true, value: undefined };
  };

  return {
    async next() {
      for (;;) {
        const { done, value } = await results.next();
        if (done) {
          onEnded();
          return { done: true, value: undefined };
        }
        if (socket.readyState !== socket.OPEN) return leave();
        await send(value);
      }
    },
    return: leave,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/** As long as a result is on its way to anybody, its JSON is kept with it. */
const texts = new WeakMap<object, string>();

function jsonOf(result: object): string {
  const text = texts.get(result) ?? JSON.stringify(result);
  texts.set(result, text);
  return text;
}

/** A socket that closes under a frame says so in its `close` event too. */
function ignoreClosed(): void {}
