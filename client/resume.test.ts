import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { cursorOf, startGateway, type TestGateway } from '../tests/support/gateway.ts';
import { announcer } from '../tests/support/live.ts';
import { startTcpProxy, type TcpProxy } from '../tests/support/tcp-proxy.ts';
import { createClient } from './client.ts';
import { LmpUpdatesDocument } from './generated/graphql.ts';

let gateway: TestGateway;
let proxy: TcpProxy;
let source: ReturnType<typeof announcer>;

beforeEach(async () => {
  gateway = await startGateway();
  proxy = await startTcpProxy(Number(new URL(gateway.url).port));
  source = announcer(gateway.bus);
});
afterEach(async () => {
  await proxy.close();
  await gateway.close();
});

/** What happens to the stream and its connection; `turns` of the event loop pass after each. */
const course = fc.array(
  fc.record({ event: fc.constantFrom('announce', 'announce', 'announce', 'cut'), turns: fc.nat(20) }),
  { minLength: 5, maxLength: 80 },
);
type Course = readonly { readonly event: string; readonly turns: number }[];

let price = 0;

/** Runs the course from the first update seen on, then announces until the subscriber has seen that it is over. */
async function run(steps: Course, webSocketImpl = WebSocket) {
  const client = createClient({
    url: gateway.url.replace(/:\d+/, `:${proxy.port}`),
    webSocketImpl,
    backoff: { attemptsMax: 1_000, delayMsMin: 1, delayMsMax: 4 },
  });
  const first = price + 1;
  const after = cursorOf(await gateway.bus.tail('lmp'), 'lmp', { market: 'PJM' });
  const seen: number[] = [];
  let last = Number.POSITIVE_INFINITY;
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => {
    begin = resolve;
  });
  const consume = async () => {
    for await (const { lmp } of client.subscribe(LmpUpdatesDocument, { market: 'PJM', after })) {
      seen.push(...lmp.ticks.map((tick) => tick.lmp));
      begin();
      if (Math.max(...seen) >= last) return;
    }
  };
  let over = false;
  const consuming = consume().finally(() => {
    over = true;
  });
  await source.price(++price);
  await begun;
  for (const { event, turns } of steps) {
    if (event === 'cut') proxy.cut();
    else await source.price(++price);
    for (let passed = 0; passed < turns; passed++) await turn();
  }
  last = price + 1;
  while (!over) {
    await source.price(++price);
    await turn();
  }
  await consuming;
  client.close();
  return { seen, sent: Array.from(seen, (_, index) => first + index) };
}

/** A socket whose subscriptions but the first ask for another cursor than they are told to. */
function resumingFrom(cursor: (first: string) => string | undefined): typeof WebSocket {
  let first: string | undefined;
  return class extends WebSocket {
    override send(data: string): void {
      const message = JSON.parse(data);
      if (message.type === 'subscribe') {
        const { variables } = message.payload;
        if (first !== undefined) variables.after = cursor(first);
        first ??= variables.after;
      }
      super.send(JSON.stringify(message));
    }
  };
}

const COURSE: Course = [
  { event: 'announce', turns: 20 },
  { event: 'cut', turns: 0 },
  { event: 'announce', turns: 20 },
];

describe('Over connections that are cut at any moment, a subscriber', () => {
  it('sees each update once and in order', async () => {
    const cut = { courses: 0, connections: 0 };
    await fc.assert(
      fc.asyncProperty(course, async (steps) => {
        const before = proxy.accepted;
        const { seen, sent } = await run(steps);
        expect(seen).toEqual(sent);
        cut.connections += proxy.accepted - before - 1;
        if (proxy.accepted > before + 1) cut.courses++;
      }),
      { numRuns: 60 },
    );
    // The courses would prove nothing had their cuts missed the connections.
    expect(cut.courses).toBeGreaterThan(30);
  });

  it('would miss updates if it did not send its cursor', async () => {
    const { seen, sent } = await run(
      COURSE,
      resumingFrom(() => undefined),
    );
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).not.toEqual(sent);
  });

  it('would see updates twice if it always sent its first cursor', async () => {
    const { seen } = await run(
      COURSE,
      resumingFrom((first) => first),
    );
    expect(new Set(seen).size).toBeLessThan(seen.length);
  });
});

it('A cursor of another life of the stream ends with CURSOR_EXPIRED, or begins anew with what comes now', async () => {
  const after = cursorOf((await gateway.bus.tail('lmp')).replace(/^[0-9a-f]{12}/, '0'.repeat(12)));
  const client = createClient({ url: gateway.url, webSocketImpl: WebSocket, backoff: { delayMsMin: 1 } });
  const expired = client.subscribe(LmpUpdatesDocument, { after });
  await expect(expired.next()).rejects.toMatchObject({ code: 'CURSOR_EXPIRED', cursor: after });

  const restarted = client.subscribe(LmpUpdatesDocument, { after }, { onCursorExpired: 'restart' });
  let update: IteratorResult<unknown> | undefined;
  const waiting = restarted.next().then((first) => {
    update = first;
  });
  while (update === undefined) {
    await source.price(++price);
    await turn();
  }
  await waiting;
  expect(update).toMatchObject({ done: false, value: { lmp: { ticks: [{ node: { id: 'PJM:A' } }] } } });
  client.close();
});
