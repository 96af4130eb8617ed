import { once } from 'node:events';
import { createServer } from 'node:http';
import { type Duplex, Writable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { SharedFrame } from './shared-frame.ts';

describe('over sockets', () => {
  const server = createServer();
  const upgrading = new WebSocketServer({ noServer: true });
  const wires: Duplex[] = [];
  const clients: WebSocket[] = [];
  let url: string;

  server.on('upgrade', (request, wire, head) => upgrading.handleUpgrade(request, wire, head, () => wires.push(wire)));

  beforeEach(async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    url = `ws://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  });
  afterEach(() => {
    for (const client of clients.splice(0)) client.terminate();
    wires.splice(0);
    server.close();
  });

  async function connect(): Promise<() => Promise<string>> {
    const client = new WebSocket(url);
    clients.push(client);
    await once(client, 'open');
    return async () => String((await once(client, 'message'))[0]);
  }

  test.each([0, 1, 90, 125, 126, 65_000, 65_535, 65_536, 300_000])(
    'a text of about %i bytes arrives whole',
    async (size) => {
      const received = [await connect(), await connect()];
      const frame = new SharedFrame('<', `>é${'x'.repeat(size)}`);
      const messages = Promise.all(received.map((next) => next()));
      for (const [at, wire] of wires.entries()) frame.writeTo(wire, Buffer.from(`word ${at}`));
      expect(await messages).toEqual([0, 1].map((at) => `<word ${at}>é${'x'.repeat(size)}`));
    },
  );

  test('words of different lengths take turns', async () => {
    const received = [await connect(), await connect(), await connect()];
    const frame = new SharedFrame('"', '"');
    const messages = Promise.all(received.map((next) => next()));
    const words = ['one', 'another', 'two'];
    for (const [at, wire] of wires.entries()) frame.writeTo(wire, Buffer.from(words[at] ?? ''));
    expect(await messages).toEqual(words.map((word) => `"${word}"`));
  });
});

describe('a connection that takes its time', () => {
  test('keeps what it was given, whoever comes next', () => {
    const held: Buffer[] = [];
    const slow = () => new Writable({ write: (chunk: Buffer) => void held.push(chunk) });
    const frame = new SharedFrame('', '!');
    for (const word of ['first', 'other', 'third']) frame.writeTo(slow(), Buffer.from(word));
    expect(held.map((bytes) => bytes.toString().slice(2))).toEqual(['first!', 'other!', 'third!']);
  });

  test('costs bytes of its own; those that take it at once share theirs', () => {
    const seen = new Set<Buffer>();
    const write = (chunk: Buffer, _: string, done: () => void) => {
      seen.add(chunk);
      done();
    };
    const fast = () => new Writable({ write });
    const frame = new SharedFrame('', '!');
    for (const word of ['first', 'other', 'third']) frame.writeTo(fast(), Buffer.from(word));
    expect(seen.size).toBe(1);
  });
});
