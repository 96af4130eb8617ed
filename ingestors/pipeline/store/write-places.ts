import {
  agrees,
  historyWith,
  isSameVersion,
  type Place,
  type PlaceHistory,
  type PlaceVersion,
} from '../../../domain/place.ts';
import { ms } from '../../../prisma/instants.ts';
import type { Queryable } from '../../../prisma/queryable.ts';

/** A place of which it is known when it is so, and when its source said it. Milliseconds UTC. */
export interface DatedPlace extends Place {
  readonly at: number;
  readonly publishedAt: number;
}

export interface PlacedPlace {
  readonly fact: DatedPlace;
  readonly nodeId: number;
}

export interface PlacesWritten {
  /** Places of nodes of which nothing was known. */
  readonly written: number;
  /** Places that changed what was known. */
  readonly revised: number;
  readonly unchanged: number;
  /** What is known of the nodes now. */
  readonly histories: ReadonlyMap<number, PlaceHistory>;
}

/**
 * Dates a place. What a source says of tomorrow, as a report of day-ahead prices does, it says already today.
 * @param publishedAt when it was said, `now` the wall clock, both milliseconds UTC.
 */
export function datedPlace(place: Place, publishedAt: number, now: number): DatedPlace {
  return { ...place, publishedAt, at: Math.min(place.at ?? publishedAt, publishedAt, now) };
}

/**
 * Writes what places change of the histories of their nodes, in the caller's transaction. The nodes are locked in the order of
 * their ids, so that what several processes are told at once is applied one after the other, and none waits in a circle.
 * Four statements however many places there are, two of them where nothing changes.
 */
export async function writePlaces(
  client: Queryable,
  placed: readonly PlacedPlace[],
  ledgerId: number,
): Promise<PlacesWritten> {
  const nodeIds = [...new Set(placed.map(({ nodeId }) => nodeId))];
  // Each sees what was committed when it begins: the histories are read behind the lock.
  const [, { rows }] = await Promise.all([
    client.query({ name: 'lock-nodes', text: LOCK, values: [nodeIds] }),
    client.query<StoredVersion>({ name: 'node-histories', text: HISTORIES, values: [nodeIds] }),
  ]);
  const known = historiesFrom(rows);
  const histories = new Map<number, PlaceHistory>(known);
  let [written, revised] = [0, 0];
  for (const { fact, nodeId } of placed) {
    const before = histories.get(nodeId) ?? [];
    const after = historyWith(before, fact, fact.publishedAt);
    histories.set(nodeId, after);
    if (before.length === 0) written += 1;
    else if (after !== before && !isOnlySeenLater(before, after)) revised += 1;
  }
  await writeChanges(client, known, histories, ledgerId);
  return { written, revised, unchanged: placed.length - written - revised, histories };
}

interface StoredVersion extends PlaceVersion {
  readonly nodeId: number;
  readonly ledgerId: number | null;
}

function historiesFrom(rows: readonly StoredVersion[]): ReadonlyMap<number, readonly StoredVersion[]> {
  const histories = new Map<number, StoredVersion[]>();
  for (const row of rows) {
    const history = histories.get(row.nodeId);
    if (history) history.push(row);
    else histories.set(row.nodeId, [row]);
  }
  return histories;
}

function isOnlySeenLater(before: PlaceHistory, after: PlaceHistory): boolean {
  const isSame = (version: PlaceVersion, was: PlaceVersion | undefined) =>
    was !== undefined && isSameVersion({ ...version, seenUntil: was.seenUntil }, was);
  return before.length === after.length && after.every((version, i) => isSame(version, before[i]));
}

async function writeChanges(
  client: Queryable,
  known: ReadonlyMap<number, readonly StoredVersion[]>,
  histories: ReadonlyMap<number, PlaceHistory>,
  ledgerId: number,
): Promise<void> {
  const gone: object[] = [];
  const changed: object[] = [];
  for (const [nodeId, history] of histories) {
    const was = new Map((known.get(nodeId) ?? []).map((version) => [version.validFrom, version]));
    for (const version of history) {
      const before = was.get(version.validFrom);
      was.delete(version.validFrom);
      if (before && isSameVersion(before, version)) continue;
      const isAsBefore = before && agrees(before, version) && before.statedAt === version.statedAt;
      changed.push(rowFrom(version, nodeId, isAsBefore ? before.ledgerId : ledgerId));
    }
    for (const validFrom of was.keys()) gone.push({ node_id: nodeId, valid_from: textOf(validFrom) });
  }
  const values = [JSON.stringify(gone), JSON.stringify(changed)];
  if (gone.length + changed.length > 0) await client.query({ name: 'write-node-versions', text: WRITE, values });
}

function rowFrom(
  { validFrom, validTo, seenUntil, statedAt, ...facts }: PlaceVersion,
  nodeId: number,
  entry: number | null,
) {
  const { kind, zone, title, aliases } = facts;
  return {
    node_id: nodeId,
    valid_from: textOf(validFrom),
    valid_to: textOf(validTo),
    seen_until: textOf(seenUntil),
    stated_at: textOf(statedAt),
    kind,
    zone,
    title,
    aliases,
    ledger_id: entry,
  };
}

function textOf(instantMs: number | null): string | null {
  return instantMs === null ? null : new Date(instantMs).toISOString();
}

const LOCK = 'SELECT FROM pricing_node WHERE id = ANY($1::int4[]) ORDER BY id FOR NO KEY UPDATE';

const HISTORIES = `
  SELECT node_id AS "nodeId", kind, zone, title, coalesce(aliases, '{}') AS aliases, ledger_id AS "ledgerId", ${ms('valid_from')} AS "validFrom",
         ${ms('valid_to')} AS "validTo", ${ms('coalesce(seen_until, valid_from)')} AS "seenUntil", ${ms('stated_at')} AS "statedAt"
  FROM pricing_node_version WHERE node_id = ANY($1::int4[]) ORDER BY node_id, valid_from`;

const WRITE = `
  WITH gone AS (
    DELETE FROM pricing_node_version AS v
    USING jsonb_to_recordset($1::jsonb) AS g (node_id int4, valid_from timestamptz)
    WHERE v.node_id = g.node_id AND v.valid_from = g.valid_from
  )
  INSERT INTO pricing_node_version (node_id, valid_from, valid_to, seen_until, stated_at, kind, zone, title, aliases, ledger_id)
  SELECT node_id, valid_from, valid_to, seen_until, stated_at, kind, zone, title, aliases, ledger_id
  FROM jsonb_to_recordset($2::jsonb)
    AS r (node_id int4, valid_from timestamptz, valid_to timestamptz, seen_until timestamptz, stated_at timestamptz,
          kind text, zone text, title text, aliases text[], ledger_id int8)
  ON CONFLICT (node_id, valid_from) DO UPDATE SET
    valid_to = excluded.valid_to, seen_until = excluded.seen_until, stated_at = excluded.stated_at, kind = excluded.kind,
    zone = excluded.zone, title = excluded.title, aliases = excluded.aliases, ledger_id = excluded.ledger_id`;
