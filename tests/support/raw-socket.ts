import { connect, type Socket } from 'node:net';
import { expect } from 'vitest';

/** What opens a WebSocket that speaks graphql-ws. */
export const HANDSHAKE = [
  'GET /graphql HTTP/1.1',
  'host: 127.0.0.1',
  'connection: upgrade',
  'upgrade: websocket',
  'sec-websocket-version: 13',
  'sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==',
  'sec-websocket-protocol: graphql-transport-ws',
  '',
  '',
].join('\r\n');

const TEXT = 0x81;
const CLOSE = 0x88;

export interface RawSocket {
  readonly socket: Socket;
  send(message: object): void;
  /** The gateway has let it in. */
  acknowledged(): Promise<void>;
  /** The gateway has said that it closes. */
  toldToClose(): Promise<void>;
}

/** A WebSocket without manners: it answers no close and no ping, and sends what it is told to. */
export async function openRawSocket(url: string): Promise<RawSocket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  const firstBytes: (number | undefined)[] = [];
  socket.on('error', () => undefined).on('data', (data: Buffer) => firstBytes.push(data[0]));
  const came = (first: number) => expect.poll(() => firstBytes).toContain(first);
  socket.write(HANDSHAKE);
  await came('H'.charCodeAt(0));
  return {
    socket,
    send: (message) => socket.write(frameOf(JSON.stringify(message))),
    acknowledged: () => came(TEXT),
    toldToClose: () => came(CLOSE),
  };
}

/** Masked, as clients must, by nothing. @param text of 64 KiB at most. */
export function frameOf(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = Buffer.from([TEXT, 0xfe, 0, 0, 0, 0, 0, 0]);
  head.writeUInt16BE(payload.length, 2);
  return Buffer.concat([head, payload]);
}
