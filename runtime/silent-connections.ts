import type { Socket } from 'node:net';

/**
 * Connections that have not asked for anything yet, oldest first: those that browsers keep ready, and those of whoever wants to
 * keep a server busy with nothing. Node does not count them as idle. There may be so many; one more takes the place of the oldest,
 * since whoever means it asks at once.
 */
export class SilentConnections {
  readonly #countMax: number;
  readonly #onCrowdedOut: () => void;
  readonly #sockets = new Map<string, Socket>();
  readonly #heard = new WeakSet<Socket>();

  constructor(countMax: number, onCrowdedOut: () => void) {
    this.#countMax = countMax;
    this.#onCrowdedOut = onCrowdedOut;
  }

  add(socket: Socket): void {
    const key = otherEndOf(socket);
    if (this.#sockets.size >= this.#countMax) this.#dropOldest();
    this.#sockets.set(key, socket);
    socket.once('close', () => this.#sockets.get(key) === socket && this.#sockets.delete(key));
  }

  /** @param socket of a request: under TLS another object than the one that was added. */
  heard(socket: Socket): void {
    if (this.#heard.has(socket)) return;
    this.#heard.add(socket);
    this.#sockets.delete(otherEndOf(socket));
  }

  destroy(): void {
    for (const socket of this.#sockets.values()) socket.destroy();
  }

  #dropOldest(): void {
    for (const [key, socket] of this.#sockets) {
      this.#sockets.delete(key);
      socket.destroy();
      this.#onCrowdedOut();
      return;
    }
  }
}

function otherEndOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
