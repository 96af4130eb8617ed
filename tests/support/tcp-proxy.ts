/**
 * A network between a client and a server on this machine that fails when it is told to.
 *
 *     open ──stall──▶ stalled ──resume──▶ open    nothing passes for a while, then everything goes on
 *     open ──freeze──▶ dead                       half-open: nothing passes ever again, and neither side is told
 *     any ──cut──▶ gone                           broken off, with what is on its way
 *
 * A **hold** is a place in what is sent: whoever comes there stops right before it. It makes a moment of a conversation
 * a place that a test can wait for.
 */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Connections that were ever made. */
  readonly accepted: number;
  /** Breaks every connection off, with what is on its way. */
  cut(): void;
  /** Nothing passes on any connection, new ones too, until `resume`. */
  stall(): void;
  resume(): void;
  /** From now on the present connections carry nothing and stay open, as behind a NAT that forgot them. */
  freeze(): void;
  /** New connections are frozen too, or no longer. */
  freezeNew(frozen: boolean): void;
  /** New connections are broken off at once, or no longer. */
  refuse(refused: boolean): void;
  /** Whoever sends these bytes from now on is held right before them; other connections go on. */
  holdAt(bytes: string, sentBy?: Side): Hold;
  close(): Promise<void>;
}

export type Side = 'client' | 'server';

export interface Hold {
  /** Resolves when the first connection has come there. */
  readonly reached: Promise<void>;
  /** Lets those that are held go on. No further connection is held. */
  release(): void;
}

/** @param target port of the server. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const connections = new Set<Connection>();
  const holds = new Set<Place>();
  let accepted = 0;
  let stalled = false;
  let frozen = false;
  let refused = false;
  const server = createServer({ noDelay: true }, (client) => {
    accepted++;
    if (refused) return void client.resetAndDestroy();
    const connection = new Connection(client, target, holds, () => connections.delete(connection));
    connections.add(connection);
    if (stalled) connection.block('stalled');
    if (frozen) connection.block('dead');
  });
  const cut = () => {
    for (const connection of connections) connection.destroy();
  };
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get accepted() {
      return accepted;
    },
    cut,
    stall() {
      stalled = true;
      for (const connection of connections) connection.block('stalled');
    },
    resume() {
      stalled = false;
      for (const connection of connections) connection.unblock('stalled');
    },
    freeze() {
      for (const connection of connections) connection.block('dead');
    },
    freezeNew(value) {
      frozen = value;
    },
    refuse(value) {
      refused = value;
    },
    holdAt(bytes, sentBy = 'client') {
      const place = new Place(Buffer.from(bytes), sentBy, () => holds.delete(place));
      holds.add(place);
      return place;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

type Obstacle = 'stalled' | 'dead' | 'full' | Place;

class Connection {
  readonly #sockets: readonly [Socket, Socket];
  readonly #lanes: readonly Lane[];
  #dead = false;

  constructor(client: Socket, target: number, holds: ReadonlySet<Place>, onClose: () => void) {
    const server = connect({ host: '127.0.0.1', port: target, noDelay: true });
    this.#sockets = [client, server];
    this.#lanes = [new Lane(client, server, 'client', holds), new Lane(server, client, 'server', holds)];
    for (const [socket, other] of [this.#sockets, [server, client]] as const) {
      socket.on('error', () => undefined);
      socket.once('end', () => this.#dead || other.end());
      socket.once('close', () => {
        if (!this.#dead && !socket.readableEnded) other.destroy();
        if (other.closed) onClose();
      });
    }
  }

  block(obstacle: 'stalled' | 'dead'): void {
    this.#dead ||= obstacle === 'dead';
    for (const lane of this.#lanes) lane.block(obstacle);
  }

  unblock(obstacle: 'stalled'): void {
    for (const lane of this.#lanes) lane.unblock(obstacle);
  }

  destroy(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

/** One direction of a connection. It flows while nothing is in its way; what does not flow is not read either. */
class Lane {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #side: Side;
  readonly #holds: ReadonlySet<Place>;
  readonly #obstacles = new Set<Obstacle>();
  /** Read already, and held. */
  #rest: Buffer = NOTHING;
  /** The end of what passed, where the bytes of a place may have begun. */
  #tail: Buffer = NOTHING;

  constructor(from: Socket, to: Socket, side: Side, holds: ReadonlySet<Place>) {
    this.#from = from;
    this.#to = to;
    this.#side = side;
    this.#holds = holds;
    from.on('data', (chunk) => this.#take(chunk));
    to.on('drain', () => this.unblock('full'));
  }

  block(obstacle: Obstacle): void {
    this.#obstacles.add(obstacle);
    this.#from.pause();
  }

  unblock(obstacle: Obstacle): void {
    if (!this.#obstacles.delete(obstacle) || this.#obstacles.size > 0) return;
    const rest = this.#rest;
    this.#rest = NOTHING;
    this.#pass(rest);
    if (this.#obstacles.size === 0) this.#from.resume();
  }

  #take(chunk: Buffer): void {
    for (const hold of this.#holds) {
      const at = hold.sentBy === this.#side ? hold.within(this.#tail, chunk) : -1;
      if (at < 0) continue;
      this.#pass(chunk.subarray(0, at));
      this.#rest = chunk.subarray(at);
      hold.stop(this);
      return;
    }
    this.#pass(chunk);
  }

  #pass(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#tail = chunk.subarray(-TAIL_BYTES);
    if (!this.#to.write(chunk)) this.block('full');
  }
}

const NOTHING = Buffer.alloc(0);
const TAIL_BYTES = 64;

class Place implements Hold {
  readonly reached: Promise<void>;
  readonly sentBy: Side;
  readonly #bytes: Buffer;
  readonly #lift: () => void;
  readonly #held = new Set<Lane>();
  #reach: () => void = () => undefined;

  constructor(bytes: Buffer, sentBy: Side, lift: () => void) {
    this.sentBy = sentBy;
    this.#bytes = bytes;
    this.#lift = lift;
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
  }

  /** Where in the chunk to stop; -1: nowhere. Bytes that began in the tail are stopped in the middle. */
  within(tail: Buffer, chunk: Buffer): number {
    const before = tail.subarray(Math.max(0, tail.length - this.#bytes.length + 1));
    const at = Buffer.concat([before, chunk]).indexOf(this.#bytes);
    return at < 0 ? -1 : Math.max(0, at - before.length);
  }

  stop(lane: Lane): void {
    this.#held.add(lane);
    lane.block(this);
    this.#reach();
  }

  release(): void {
    this.#lift();
    for (const lane of this.#held) lane.unblock(this);
    this.#held.clear();
  }
}
