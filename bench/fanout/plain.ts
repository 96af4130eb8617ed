/** The ceiling: ws, and one text for all. No GraphQL, no bound on what waits. */
import { once } from 'node:events';
import { WebSocketServer } from 'ws';
import { portOf } from '../port-of.ts';
import { ticksOf } from './protocol.ts';
import { serveEmitting } from './server-process.ts';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
server.on('connection', (socket) => {
  socket.on('message', (data) => {
    const text = String(data);
    if (text.includes('connection_init')) socket.send('{"type":"connection_ack"}');
    else if (text.includes('"ping"')) socket.send(text.replace('ping', 'pong'));
  });
  socket.on('error', () => undefined);
});
await once(server, 'listening');
serveEmitting(portOf(server), (number) => {
  const ticks = ticksOf(number, Date.now()).map(({ node, startAt, revision, lmp }) => ({
    node: { id: node },
    start: new Date(startAt).toISOString(),
    revision,
    lmp,
    energy: lmp,
    congestion: 0,
    loss: 0,
  }));
  const payload = { data: { lmp: { cursor: `0123456789ab-${number}`, ticks } } };
  const frame = Buffer.from(JSON.stringify({ id: '1', type: 'next', payload }));
  for (const socket of server.clients) socket.send(frame, { binary: false });
});
