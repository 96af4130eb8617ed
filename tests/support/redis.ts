import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from 'redis';

export interface RedisServer {
  readonly url: string;
  /** SIGSTOP: the server keeps its connections and answers nothing. */
  pause(): void;
  /** SIGCONT. */
  resume(): void;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /**
   * Starts it again on the same port, after `kill` or in place of the running one (which ends with SIGTERM).
   * @param how empty: without what it had kept.
   */
  restart(how?: { readonly empty: boolean }): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

const START_MS_MAX = 10_000;

/**
 * A real redis-server on a free port of the loopback.
 * @param persist true: every write goes to an append-only file before it is answered, so a restart keeps the data;
 *   otherwise a restart comes back empty.
 */
export async function startRedis({ persist = false } = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-redis-'));
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const start = () => launch(port, folder, persist, url);
  let server = await start();
  return {
    url,
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    kill: () => end(server, 'SIGKILL'),
    async restart({ empty } = { empty: false }) {
      await end(server, 'SIGTERM');
      if (empty) await rm(join(folder, 'appendonlydir'), { recursive: true, force: true });
      server = await start();
    },
    async stop() {
      await end(server, 'SIGKILL');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function launch(port: number, folder: string, persist: boolean, url: string): Promise<ChildProcess> {
  const persistence = persist ? ['--appendonly', 'yes', '--appendfsync', 'always'] : ['--appendonly', 'no'];
  const address = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const server = spawn('redis-server', [...address, ...persistence], { stdio: 'ignore' });
  await once(server, 'spawn');
  await answers(url, server);
  return server;
}

/** The server does not say on any channel that it has begun to listen, hence the polling. */
async function answers(url: string, server: ChildProcess): Promise<void> {
  const until = Date.now() + START_MS_MAX;
  for (;;) {
    const client = createClient({ url, socket: { reconnectStrategy: false } }).on('error', () => undefined);
    try {
      await client.connect();
      await client.ping();
      return client.destroy();
    } catch (error) {
      client.destroy();
      if (server.exitCode !== null || Date.now() > until)
        throw new Error('redis-server did not start', { cause: error });
      await delay(20);
    }
  }
}

async function end(server: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const gone = once(server, 'exit');
  server.kill(signal);
  await gone;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return address.port;
}
