/**
 * One update for thousands of sockets that all ask the same, some of which do not read. Busbar's gateway against graphql-yoga behind
 * graphql-ws with one execution a subscriber, and against plain ws sending one text, which is the ceiling. The server is a process of
 * its own, the subscribers are another; an update is ten prices.
 *
 * Those that do not read have had their connections filled before, so that everything waits for them in the server.
 *
 * Saturation: two updates are on their way at any time, the next is emitted when every socket that reads has one. Then the latency
 * from the update to each socket at a fixed rate.
 */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { NODE_FLAGS } from '../tests/support/processes.ts';
import {
  type FromServer,
  type FromSubscribers,
  type Measured,
  TICKS,
  type ToServer,
  type ToSubscribers,
} from './fanout/protocol.ts';
import { summary } from './summary.ts';

const SOCKETS = Number(process.env.FANOUT_SOCKETS ?? 5_000);
const PROCESSES = 1;
const STALLED_EVERY = 50;
const ON_THEIR_WAY = 2;
const STALLING_MS = 4_000;
const WARM_UP_MS = 5_000;
const SATURATED_MS = 10_000;
const FIXED_RATE = 2;
const FIXED_MS = 10_000;
const FILES_SPARE = 200;

export async function run() {
  requireFiles(SOCKETS + FILES_SPARE);
  const plain = await measure('plain');
  const stock = await measure('stock');
  const busbar = await measure('busbar');
  return {
    load: {
      sockets: SOCKETS,
      stalled: SOCKETS / STALLED_EVERY,
      ticksAnUpdate: TICKS,
      processes: PROCESSES,
      fixedRate: FIXED_RATE,
    },
    baseline: 'stock: graphql-yoga behind graphql-ws, one execution a subscriber',
    busbar,
    stock,
    plain,
    ratio: busbar.updatesPerSecond / stock.updatesPerSecond,
    ratioOfFrames: busbar.framesPerSecond / stock.framesPerSecond,
    ratioToPlain: busbar.updatesPerSecond / plain.updatesPerSecond,
    atLeast: 5,
    atMostP99Ms: 100,
  };
}

/** Updates that arrive at sockets that read, a second: an update in a frame with others counts as the others do. */
export async function measure(name: 'plain' | 'stock' | 'busbar') {
  const profile = process.env.FANOUT_PROFILE === name ? ['--cpu-prof', '--cpu-prof-dir=/tmp'] : [];
  const execArgv = [...NODE_FLAGS, ...profile];
  // Stock's says of every socket that does not read and is gone at the end that it could not be written to.
  const stderr = name === 'stock' ? 'ignore' : 'inherit';
  const server = fork(`bench/fanout/${name}.ts`, [], {
    execArgv,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'inherit', stderr, 'ipc'],
  });
  const { port } = await from<FromServer, { port: number }>(server, 'port');
  const idle = await rssOf(server);
  const sockets = await connect(port);
  await sleep(1_000);
  const connected = await rssOf(server);
  for (const each of sockets) each.send({ stall: true } satisfies ToSubscribers);
  await sleep(STALLING_MS);
  const stalled = await rssOf(server);
  const cast = new Cast(server, sockets);
  const connectedAt = performance.now();
  await cast.saturate(() => performance.now() - connectedAt > WARM_UP_MS);
  await cast.measured();
  const startedAt = performance.now();
  await cast.saturate(() => performance.now() - startedAt > SATURATED_MS);
  const seconds = (performance.now() - startedAt) / 1_000;
  const saturated = await cast.measured();
  for (const until = performance.now() + FIXED_MS; performance.now() < until; await sleep(1_000 / FIXED_RATE))
    cast.emit();
  await sleep(3_000);
  const fixed = await cast.measured();
  const after = await rssOf(server);
  for (const each of [...sockets, server]) each.disconnect();
  await once(server, 'exit');
  return {
    updatesPerSecond: Math.round(saturated.updates / seconds),
    framesPerSecond: Math.round(saturated.frames / seconds),
    latencyMs: summary(fixed.latenciesMs),
    missing: saturated.missing + fixed.missing,
    closed: saturated.closed + fixed.closed,
    memory: {
      idleMb: mb(idle),
      connectedMb: mb(connected),
      stalledMb: mb(stalled),
      afterMb: mb(after),
      kbASocket: Math.round((connected - idle) / SOCKETS / 102.4) / 10,
    },
  };
}

/** The server and the subscribers of one measurement. */
class Cast {
  emitted = 0;
  readonly #server: ChildProcess;
  readonly #subscribers: readonly ChildProcess[];
  /** How many processes have an update, by its number. */
  readonly #have = new Map<number, number>();
  #arrived = 0;
  #wake: () => void = () => undefined;

  constructor(server: ChildProcess, subscribers: readonly ChildProcess[]) {
    this.#server = server;
    this.#subscribers = subscribers;
    for (const each of subscribers) {
      each.on('message', (message: FromSubscribers) => {
        if ('have' in message) this.#note(message.have);
      });
    }
  }

  emit(): void {
    const message: ToServer = { emit: ++this.emitted };
    this.#server.send(message);
  }

  async saturate(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      while (this.emitted - this.#arrived < ON_THEIR_WAY) this.emit();
      await this.#next();
    }
    while (this.#arrived < this.emitted) await this.#next();
  }

  async measured(): Promise<Measured> {
    const all = await Promise.all(
      this.#subscribers.map((each) => {
        each.send({ measure: true } satisfies ToSubscribers);
        return from<FromSubscribers, { measured: Measured }>(each, 'measured');
      }),
    );
    const sum = (of: (one: Measured) => number) => all.reduce((total, { measured }) => total + of(measured), 0);
    return {
      frames: sum(({ frames }) => frames),
      updates: sum(({ updates }) => updates),
      missing: sum(({ missing }) => missing),
      closed: sum(({ closed }) => closed),
      latenciesMs: all.flatMap(({ measured }) => measured.latenciesMs),
    };
  }

  #note(number: number): void {
    const processes = (this.#have.get(number) ?? 0) + 1;
    this.#have.set(number, processes);
    if (processes < this.#subscribers.length) return;
    this.#have.delete(number);
    this.#arrived += 1;
    this.#wake();
  }

  #next(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

async function connect(port: number): Promise<ChildProcess[]> {
  const url = `ws://127.0.0.1:${port}/graphql`;
  const given = [url, String(SOCKETS / PROCESSES), String(STALLED_EVERY)];
  const processes = Array.from({ length: PROCESSES }, () =>
    fork('bench/fanout/subscribers.ts', given, { execArgv: ['--import', 'tsx'] }),
  );
  await Promise.all(processes.map((each) => from<FromSubscribers, { subscribed: true }>(each, 'subscribed')));
  return processes;
}

async function rssOf(server: ChildProcess): Promise<number> {
  const message: ToServer = { askMemory: true };
  server.send(message);
  return (await from<FromServer, { rssBytes: number }>(server, 'rssBytes')).rssBytes;
}

/** The next message of a kind. @throws where the process ends before. */
function from<Message extends object, Wanted extends Message>(
  child: ChildProcess,
  kind: keyof Wanted,
): Promise<Wanted> {
  return new Promise((done, failed) => {
    const look = (message: Message) => {
      if (!isOf<Message, Wanted>(message, kind)) return;
      child.off('message', look);
      child.off('exit', fail);
      done(message);
    };
    const fail = (code: number | null) => failed(new Error(`a process of the bench ended: ${code}`));
    child.on('message', look);
    child.once('exit', fail);
  });
}

function isOf<Message extends object, Wanted extends Message>(message: Message, kind: keyof Wanted): message is Wanted {
  return kind in message;
}

function requireFiles(files: number): void {
  const limit = execFileSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).trim();
  if (limit !== 'unlimited' && Number(limit) < files)
    throw new Error(`${files} open files are needed, ${limit} allowed: raise it with \`ulimit -n\``);
}

function mb(bytes: number): number {
  return Math.round(bytes / 2 ** 20);
}
