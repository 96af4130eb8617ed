import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DAY_MS } from '../../../domain/instant.ts';
import { type NodeName, nodeNameFrom } from '../../../domain/market.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { inTransaction } from '../../../prisma/transaction.ts';
import { freshDatabase, type TestDatabase } from '../../../tests/support/postgres.ts';
import { createNodeDirectory } from './nodes.ts';
import { type DatedPlace, type PlacedPlace, writePlaces } from './write-places.ts';

const DAY = (day: number) => Date.UTC(2026, 0, 1) + day * DAY_MS;

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

describe('what is told of nodes', () => {
  it('becomes versions, each with the entry that brought it', async () => {
    const node = await nodeOf('versions');
    await write(1, [seen(node, 'HUB', 1)]);
    await write(2, [seen(node, 'ZONE', 5), seen(node, 'ZONE', 9)]);
    await write(3, [seen(node, 'ZONE', 3), seen(node, 'HUB', 2)]);
    expect(await versionsOf(node)).toEqual(['HUB 1–3 seen 2 by 1', 'ZONE 3– seen 9 by 3']);
  });

  it('is counted by what it changed', async () => {
    const [a, b] = [await nodeOf('counted a'), await nodeOf('counted b')];
    const counts = async (placed: PlacedPlace[]) => {
      const { written, revised, unchanged } = await write(1, placed);
      return [written, revised, unchanged];
    };
    expect(await counts([seen(a, 'HUB', 1), seen(b, 'HUB', 1)])).toEqual([2, 0, 0]);
    expect(await counts([seen(a, 'HUB', 9), seen(b, 'LOAD', 2)])).toEqual([0, 1, 1]);
  });

  it('keeps every letter, and lists of names', async () => {
    const node = await nodeOf('letters');
    const aliases = ['"quoted"', 'a,b', 'back\\slash', '{curly}', '電力'];
    const fact = { ...seen(node, 'HUB', 1).fact, title: "O'Neill ⚡", aliases };
    await write(1, [{ ...node, fact }]);
    const { rows } = await db.pool.query('SELECT title, aliases FROM pricing_node_version WHERE node_id = $1', [
      node.nodeId,
    ]);
    expect(rows).toEqual([{ title: "O'Neill ⚡", aliases }]);
  });

  it('takes out what a statement contradicts', async () => {
    const node = await nodeOf('statement');
    await write(1, [seen(node, 'HUB', 1), seen(node, 'ZONE', 5), seen(node, 'LOAD', 9)]);
    const valid = { from: DAY(3), to: DAY(7) };
    await write(2, [{ ...node, fact: { ...seen(node, 'SYSTEM', 8).fact, valid } }]);
    expect(await versionsOf(node)).toEqual(['HUB 1–3 seen 1 by 1', 'SYSTEM 3–7 seen 3 by 2']);
  });

  it('takes as many statements for a thousand nodes as for one, and none to write where nothing is new', async () => {
    const nodes = await nodesOf(Array.from({ length: 1_000 }, (_, i) => `many ${i}`));
    const statements = async (placed: PlacedPlace[]) => {
      let sent = 0;
      const query = (...statement: Parameters<Queryable['query']>) => {
        sent += 1;
        return db.pool.query(...statement);
      };
      await writePlaces({ query } as Queryable, placed, 1);
      return sent;
    };
    expect(await statements(nodes.slice(0, 1).map((node) => seen(node, 'HUB', 1)))).toBe(3);
    expect(await statements(nodes.map((node) => seen(node, 'HUB', 1)))).toBe(3);
    expect(await statements(nodes.map((node) => seen(node, 'HUB', 1)))).toBe(2);
  });
});

describe('two processes at once', () => {
  /** The second begins while the first has written and not committed. */
  const bothAtOnce = async (name: string, through: (client: Queryable) => Queryable = (client) => client) => {
    const node = await nodeOf(name);
    let begun: Promise<unknown> = Promise.resolve();
    await inTransaction(db.pool, async (client) => {
      await writePlaces(through(client), [seen(node, 'HUB', 1)], 1);
      begun = inTransaction(db.pool, (other) => writePlaces(through(other), [seen(node, 'ZONE', 5)], 2));
      await expect.poll(() => isWaitingOrDone(begun)).toBe(true);
    });
    await begun;
    return versionsOf(node);
  };

  it('know of each other', async () => {
    expect(await bothAtOnce('locked')).toEqual(['HUB 1–5 seen 1 by 1', 'ZONE 5– seen 5 by 2']);
  });

  it('would make versions that overlap without the lock', async () => {
    expect(await bothAtOnce('unlocked', withoutLock)).toEqual(['HUB 1– seen 1 by 1', 'ZONE 5– seen 5 by 2']);
  });

  it('never wait for each other in a circle, whatever the order of what they are told', async () => {
    const nodes = await nodesOf(Array.from({ length: 50 }, (_, i) => `circle ${i}`));
    const rounds = Array.from({ length: 20 }, (_, round) => {
      const placed = nodes.map((node) => seen(node, round % 2 === 0 ? 'HUB' : 'ZONE', round));
      return write(round, round % 3 === 0 ? placed.reverse() : placed);
    });
    await Promise.all(rounds);
    for (const node of nodes) {
      const spans = (await versionsOf(node)).map((text) => /(\d+)–(\d*)/.exec(text)?.slice(1, 3) ?? []);
      expect(spans.map(([, to]) => to)).toEqual([...spans.slice(1).map(([from]) => from), '']);
    }
  });

  it('may register the same nodes in any order', async () => {
    const names = Array.from({ length: 200 }, (_, i) => nameOf(`registered ${i}`));
    await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        createNodeDirectory(db.pool).register(new Set(i % 2 === 0 ? names : [...names].reverse())),
      ),
    );
    const { rows } = await db.pool.query(`SELECT count(*)::int AS n FROM pricing_node WHERE name LIKE 'registered %'`);
    expect(rows).toEqual([{ n: 200 }]);
  });

  async function isWaitingOrDone(work: Promise<unknown>): Promise<boolean> {
    const { rows } = await db.pool.query<{ n: number }>(
      `SELECT count(*)::int AS n FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    if ((rows[0]?.n ?? 0) > 0) return true;
    return Promise.race([work.then(() => true), new Promise<false>((resolve) => setImmediate(resolve, false))]);
  }
});

interface Known {
  readonly node: NodeName;
  readonly nodeId: number;
}

function seen({ node, nodeId }: Known, kind: string, day: number): PlacedPlace {
  const fact: DatedPlace = {
    node,
    kind,
    zone: null,
    title: null,
    aliases: [kind],
    at: DAY(day),
    publishedAt: DAY(day),
  };
  return { nodeId, fact };
}

function write(ledgerId: number, placed: readonly PlacedPlace[]) {
  return inTransaction(db.pool, (client) => writePlaces(client, placed, ledgerId));
}

async function nodeOf(name: string): Promise<Known> {
  const [node] = await nodesOf([name]);
  return node ?? expect.unreachable();
}

async function nodesOf(names: readonly string[]): Promise<Known[]> {
  const directory = createNodeDirectory(db.pool);
  const nodes = names.map(nameOf);
  await directory.register(new Set(nodes));
  return nodes.map((node) => ({ node, nodeId: directory.idOf(node) ?? expect.unreachable() }));
}

function nameOf(name: string): NodeName {
  return nodeNameFrom('PJM', name) ?? expect.unreachable();
}

/** `HUB 1–5 seen 3 by 2`, in days. */
async function versionsOf({ nodeId }: Known): Promise<string[]> {
  const { rows } = await db.pool.query(
    'SELECT * FROM pricing_node_version WHERE node_id = $1 ORDER BY valid_from, ledger_id',
    [nodeId],
  );
  const day = (at: Date | null) => (at === null ? '' : (at.getTime() - DAY(0)) / DAY_MS);
  return rows.map(
    (row) => `${row.kind} ${day(row.valid_from)}–${day(row.valid_to)} seen ${day(row.seen_until)} by ${row.ledger_id}`,
  );
}

function withoutLock(client: Queryable): Queryable {
  const query = (statement: { name?: string }, ...more: unknown[]) =>
    statement.name === 'lock-nodes'
      ? Promise.resolve({ rows: [] })
      : (client.query as (...all: unknown[]) => unknown)(statement, ...more);
  return { query } as unknown as Queryable;
}
