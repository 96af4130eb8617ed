import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Connections that were ever made. */
  readonly accepted: number;
  /** Breaks every connection off, with what is on its way. */
  cut(): void;
  /** From now on the present connections carry nothing and stay open, as behind a NAT that forgot them. */
  freeze(): void;
  /** New connections are frozen too, or no longer. */
  freezeNew(frozen: boolean): void;
  close(): Promise<void>;
}

/** A network between a client and a server on this machine that fails when it is told to. */
export async function startTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  let freezing = false;
  const freezePair = ([left, right]: readonly [Socket, Socket]) => {
    left.unpipe(right).pause();
    right.unpipe(left).pause();
  };
  const cut = () => {
    for (const sockets of pairs) for (const socket of sockets) socket.destroy();
  };
  const server = createServer({ noDelay: true }, (client) => {
    accepted++;
    const pair = [client, connect({ host: '127.0.0.1', port: target, noDelay: true })] as const;
    const [, upstream] = pair;
    pairs.add(pair);
    for (const [socket, other] of [pair, [upstream, client]] as const) {
      socket.on('error', () => undefined);
      socket.once('close', () => {
        other.destroy();
        pairs.delete(pair);
      });
    }
    client.pipe(upstream).pipe(client);
    if (freezing) freezePair(pair);
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    port,
    get accepted() {
      return accepted;
    },
    cut,
    freeze: () => pairs.forEach(freezePair),
    freezeNew(frozen) {
      freezing = frozen;
    },
    async close() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
