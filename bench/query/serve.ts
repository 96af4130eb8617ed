import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import { createPool } from '../../prisma/pool.ts';
import { portOf } from '../port-of.ts';

/** Connections to the store of every server of the bench. */
const CONNECTIONS = 10;

/** The store that a server of the bench was started with. */
export function benchPool() {
  const url = process.env.DATABASE_URL;
  if (!url) throw new Error('DATABASE_URL: the store of the bench');
  return createPool({ url, max: CONNECTIONS });
}

/** Serves on a free port, and says which. */
export async function serve(handler: RequestListener): Promise<void> {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  tellPort(portOf(server));
}

export function tellPort(port: number): void {
  console.log(`listening on port ${port}`);
}
