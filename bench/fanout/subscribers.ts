/**
 * A process of subscribers: a socket and a subscription each, one in so many of which stops reading. They look for an update's number
 * and time in the bytes instead of parsing them, so that they take as little as they can of the machine that the server runs on. Each
 * subscription has an id of its own, as graphql-ws' client would give it.
 */
import { randomUUID } from 'node:crypto';
import { LeanSocket } from './lean-socket.ts';
import { type FromSubscribers, type Measured, QUERY, type ToSubscribers } from './protocol.ts';

const [url = '', count = '', stalledEvery = ''] = process.argv.slice(2);
const CONNECTING = 50;
const REVISION = '"revision":';
const START = '"start":"';
const ISO_LENGTH = 24;
const DIGITS_MAX = 12;
const FILL_BYTES = 60_000;
const FILLS = 120;

const tell = (message: FromSubscribers) => process.send?.(message);
const isStalled = (subscriber: number) => subscriber % Number(stalledEvery) === Number(stalledEvery) - 1;
const honest = Array.from({ length: Number(count) }, (_, each) => each).filter((each) => !isStalled(each)).length;
/** By update, how many sockets have it. */
const have = new Map<number, number>();
const stalling: LeanSocket[] = [];
let measured = nothing();

for (let from = 0; from < Number(count); from += CONNECTING) {
  const some = Array.from({ length: Math.min(CONNECTING, Number(count) - from) }, (_, at) => from + at);
  await Promise.all(some.map(connect));
}
tell({ subscribed: true });
process.on('message', (message: ToSubscribers) => {
  if ('stall' in message) return stallAll();
  const done: Measured = measured;
  measured = nothing();
  tell({ measured: done });
});
process.on('disconnect', () => process.exit(0));

async function connect(subscriber: number): Promise<void> {
  const socket = new LeanSocket(new URL(url), 'graphql-transport-ws', () => {
    measured.closed += 1;
  });
  socket.send('{"type":"connection_init"}');
  await socket.next();
  socket.send(JSON.stringify({ id: randomUUID(), type: 'subscribe', payload: { query: QUERY } }));
  if (isStalled(subscriber)) {
    stalling.push(socket);
    return;
  }
  let last = 0;
  socket.onText((text) => {
    const number = numberAt(text, text.lastIndexOf(REVISION) + REVISION.length);
    const first = numberAt(text, text.indexOf(REVISION) + REVISION.length);
    const startAt = text.indexOf(START) + START.length;
    if (last > 0) measured.missing += first - last - 1;
    measured.frames += 1;
    measured.updates += number - first + 1;
    measured.latenciesMs.push(Date.now() - Date.parse(text.toString('latin1', startAt, startAt + ISO_LENGTH)));
    for (let each = first; each <= number; each++) note(each);
    last = number;
  });
}

/**
 * They read nothing any more, and ask for as many answers as it takes until the kernel, which takes megabytes, takes no more of them:
 * what comes then waits in the server. A ping is answered with what it brings.
 */
function stallAll(): void {
  const ping = JSON.stringify({ type: 'ping', payload: { fill: 'x'.repeat(FILL_BYTES) } });
  for (const socket of stalling) {
    socket.pause();
    for (let pings = 0; pings < FILLS; pings++) socket.send(ping);
  }
}

function numberAt(text: Buffer, at: number): number {
  const number = Number.parseInt(text.toString('latin1', at, at + DIGITS_MAX), 10);
  if (Number.isNaN(number)) throw new Error(`not an update: ${text.toString('latin1', 0, 300)}`);
  return number;
}

function note(number: number): void {
  const sockets = (have.get(number) ?? 0) + 1;
  have.set(number, sockets);
  if (sockets < honest) return;
  have.delete(number);
  tell({ have: number });
}

function nothing() {
  return { frames: 0, updates: 0, latenciesMs: [] as number[], missing: 0, closed: 0 };
}
