import { decimalFrom } from '../../../domain/money.ts';
import { compareTrades, type Trade, type TradeKey } from '../../../domain/trade.ts';
import { ms } from '../../../prisma/instants.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { changePositions, type PositionChange } from '../../processors/positions/change-positions.ts';
import type { PositionId } from '../../processors/positions/counted-trades.ts';
import type { Marking } from '../../processors/positions/snapshots.ts';
import type { StoredPosition } from '../../processors/positions/stored-position.ts';

/** A version of a trade, and its node as the store knows it. */
export interface PlacedTrade {
  readonly trade: Trade;
  readonly nodeId: number;
}

export interface TradesWritten {
  /** Versions that nobody had, in the order they came: also those that are older than what counts. */
  readonly written: readonly Trade[];
  /** Of them, those that amend or cancel a trade that was there. */
  readonly revised: number;
  /** Known already. */
  readonly unchanged: number;
  /** Another trade under a version that is taken: places in what was given. */
  readonly refused: readonly number[];
  /** As they stand now. */
  readonly positions: readonly StoredPosition[];
  /** Resolves when they are kept: to be waited for before the commit. */
  readonly saved: Promise<unknown>;
}

const NOTHING_WRITTEN: TradesWritten = {
  written: [],
  revised: 0,
  unchanged: 0,
  refused: [],
  positions: [],
  saved: Promise.resolve(),
};

/**
 * Writes versions of trades so that of each trade the highest counts, and moves the positions that depend on them. Trades are
 * locked in the order of their ids and then positions in theirs, so that two calls never wait for each other.
 */
export async function writeTrades(
  client: Queryable,
  placed: readonly PlacedTrade[],
  by: Marking & { readonly ledgerId: number },
): Promise<TradesWritten> {
  if (placed.length === 0) return NOTHING_WRITTEN;
  const heads = await takeHeads(client, placed);
  const judged = judge(placed, heads);
  const known = [...judged.heads.values()].filter(({ trade }) => heads.has(trade.tradeId));
  // In this order: a position that is worked out anew reads what is inserted.
  const [kept, , { positions, saved }] = await Promise.all([
    insertVersions(client, judged, by),
    saveHeads(client, known),
    changePositions(client, changesOf(heads, judged.heads), by),
  ]);
  const otherTerms = await lateOfOtherTerms(client, judged.late);
  return {
    written: [...judged.accepted, ...kept].sort(byPlace).map(({ trade }) => trade),
    revised: judged.revised,
    unchanged: judged.unchanged - kept.length - otherTerms.length,
    refused: [...judged.refused, ...otherTerms],
    positions,
    saved,
  };
}

interface Judged {
  readonly accepted: readonly GivenTrade[];
  /** Older than what counts: history. */
  readonly late: readonly GivenTrade[];
  readonly revised: number;
  readonly unchanged: number;
  readonly refused: readonly number[];
  /** What counts afterwards, of the trades of which that changed. */
  readonly heads: ReadonlyMap<string, PlacedTrade>;
}

interface GivenTrade extends PlacedTrade {
  /** In what was given. */
  readonly place: number;
}

function byPlace(one: GivenTrade, other: GivenTrade): number {
  return one.place - other.place;
}

function judge(placed: readonly PlacedTrade[], before: ReadonlyMap<string, PlacedTrade>): Judged {
  const heads = new Map<string, PlacedTrade>();
  const accepted: GivenTrade[] = [];
  const late: GivenTrade[] = [];
  const refused: number[] = [];
  let revised = 0;
  let unchanged = 0;
  for (const [place, each] of placed.entries()) {
    const { tradeId, version } = each.trade;
    const head = heads.get(tradeId) ?? before.get(tradeId);
    if (!head || version > head.trade.version) {
      accepted.push({ ...each, place });
      heads.set(tradeId, each);
      if (head) revised += 1;
    } else if (version < head.trade.version) {
      late.push({ ...each, place });
      unchanged += 1;
    } else if (isSame(each.trade, head.trade)) unchanged += 1;
    else refused.push(place);
  }
  return { accepted, late, revised, unchanged, refused, heads };
}

function isSame(one: Trade, other: Trade): boolean {
  return (
    compareTrades(one, other) === 0 &&
    one.account === other.account &&
    one.node === other.node &&
    one.side === other.side &&
    one.minutes === other.minutes &&
    one.status === other.status &&
    one.mw.minus(other.mw).sign === 0 &&
    one.price.minus(other.price).sign === 0
  );
}

/** A trade that is new and counts is added; of one that was there the place it had, and the place it has now, are reworked. */
function changesOf(
  before: ReadonlyMap<string, PlacedTrade>,
  after: ReadonlyMap<string, PlacedTrade>,
): readonly PositionChange[] {
  const changes = new Map<string, PositionId & { added: Trade[]; reworkFrom: TradeKey | undefined }>();
  const changeOf = ({ trade: { account }, nodeId }: PlacedTrade) => {
    const key = `${nodeId} ${account}`;
    const change = changes.get(key) ?? { account, nodeId, added: [], reworkFrom: undefined };
    changes.set(key, change);
    return change;
  };
  const rework = (placed: PlacedTrade) => {
    if (placed.trade.status !== 'ACTIVE') return;
    const change = changeOf(placed);
    const { reworkFrom } = change;
    if (!reworkFrom || compareTrades(placed.trade, reworkFrom) < 0) change.reworkFrom = placed.trade;
  };
  for (const [tradeId, now] of after) {
    const old = before.get(tradeId);
    if (old) {
      rework(old);
      rework(now);
    } else if (now.trade.status === 'ACTIVE') changeOf(now).added.push(now.trade);
  }
  return [...changes.values()];
}

/**
 * Makes all trades given ours until the commit. New ones get their heads at once, as they will stand: a stub that is changed
 * when they are judged takes two statements more, and twice the time.
 * @returns the versions that count, of the trades that were there.
 */
async function takeHeads(client: Queryable, placed: readonly PlacedTrade[]): Promise<Map<string, PlacedTrade>> {
  const newest = newestOf(placed);
  const made = await client.query<{ tradeId: string }>({
    name: 'make-trade-heads',
    text: MAKE_HEADS,
    values: headColumnsOf([...newest.values()]),
  });
  for (const { tradeId } of made.rows) newest.delete(tradeId);
  if (newest.size === 0) return new Map();
  const ids = [[...newest.keys()]];
  await client.query({ name: 'lock-trade-heads', text: LOCK_HEADS, values: ids });
  // A statement of its own: one that waited for a lock still sees what else there was before it waited.
  const { rows } = await client.query<HeadTexts>({ name: 'read-trade-heads', text: READ_HEADS, values: ids });
  return new Map(rows.map((row) => [row.tradeId, placedFrom(row)]));
}

/** Of each trade the highest version, and of that one what came first, as `judge` will have it. */
function newestOf(placed: readonly PlacedTrade[]): Map<string, PlacedTrade> {
  const newest = new Map<string, PlacedTrade>();
  for (const each of placed) {
    const known = newest.get(each.trade.tradeId);
    if (!known || each.trade.version > known.trade.version) newest.set(each.trade.tradeId, each);
  }
  return newest;
}

interface HeadTexts extends Omit<Trade, 'mw' | 'price'> {
  readonly nodeId: number;
  readonly mw: string;
  readonly price: string;
}

const HEADS = `unnest($1::text[], $2::int4[], $3::float8[], $4::text[], $5::int4[], $6::trade_status[])
       AS t(trade_id, version, ts, account, node_id, status)`;

const MAKE_HEADS = `
  INSERT INTO trade_head (trade_id, version, ts, account, node_id, status)
  SELECT trade_id, version, to_timestamp(ts / 1000.0), account, node_id, status FROM ${HEADS}
  ORDER BY trade_id COLLATE "C"
  ON CONFLICT DO NOTHING
  RETURNING trade_id AS "tradeId"`;

const LOCK_HEADS = 'SELECT FROM trade_head WHERE trade_id = ANY($1::text[]) ORDER BY trade_id FOR UPDATE';

function placedFrom({ nodeId, mw, price, ...trade }: HeadTexts): PlacedTrade {
  return { nodeId, trade: { ...trade, mw: decimalFrom(mw), price: decimalFrom(price) } };
}

const TERMS = `
  t.trade_id AS "tradeId", t.version, ${ms('t.ts')} AS ts, t.account, t.node_id AS "nodeId", n.market_id || ':' || n.name AS node,
  t.side, trim_scale(t.mw) AS mw, trim_scale(t.price) AS price, t.minutes, t.status`;

const READ_LATE = `
  SELECT ${TERMS}
  FROM unnest($1::text[], $2::int4[]) AS late (trade_id, version)
  JOIN trade t ON t.trade_id = late.trade_id AND t.version = late.version
  JOIN pricing_node n ON n.id = t.node_id`;

const READ_HEADS = `
  SELECT ${TERMS}
  FROM trade_head h
  JOIN trade t ON t.trade_id = h.trade_id AND t.version = h.version AND t.ts = h.ts
  JOIN pricing_node n ON n.id = t.node_id
  WHERE h.trade_id = ANY($1::text[])`;

/** @returns those of the late versions that nobody had. */
async function insertVersions(
  client: Queryable,
  { accepted, late }: Judged,
  { ledgerId, now }: { ledgerId: number; now: number },
): Promise<GivenTrade[]> {
  const values = (placed: readonly PlacedTrade[]) => [...columnsOf(placed), now, ledgerId];
  const insert = { name: 'insert-trades', text: INSERT };
  const keep = { name: 'keep-late-trades', text: KEEP_LATE };
  const [, kept] = await Promise.all([
    accepted.length > 0 ? client.query({ ...insert, values: values(accepted) }) : undefined,
    late.length > 0 ? client.query<{ place: number }>({ ...keep, values: values(late) }) : undefined,
  ]);
  return (kept?.rows ?? []).flatMap(({ place }) => late[place - 1] ?? []);
}

const COLUMNS = 'trade_id, version, ts, account, node_id, side, mw, price, minutes, status, recorded_at, ledger_id';

const INCOMING = `
  SELECT trade_id, version, to_timestamp(ts / 1000.0) AS ts, account, node_id, side, mw, price, minutes, status,
         to_timestamp($11::float8 / 1000.0) AS recorded_at, $12::bigint AS ledger_id, place
  FROM unnest($1::text[], $2::int4[], $3::float8[], $4::text[], $5::int4[], $6::trade_side[], $7::numeric[], $8::numeric[],
              $9::int4[], $10::trade_status[])
    WITH ORDINALITY AS t(trade_id, version, ts, account, node_id, side, mw, price, minutes, status, place)`;

/** Higher than any version there is: none of them can be there. */
const INSERT = `INSERT INTO trade (${COLUMNS}) SELECT ${COLUMNS} FROM (${INCOMING}) AS incoming`;

/** One that is there already, as after a replay, stays as it is. Places count from one. */
const KEEP_LATE = `
  WITH fresh AS (
    SELECT DISTINCT ON (trade_id, version) * FROM (${INCOMING}) AS i
    WHERE NOT EXISTS (SELECT FROM trade t WHERE t.trade_id = i.trade_id AND t.version = i.version)
    ORDER BY trade_id, version, place
  ), kept AS (
    INSERT INTO trade (${COLUMNS}) SELECT ${COLUMNS} FROM fresh
  )
  SELECT place::int FROM fresh`;

/** @returns the places of versions that came before with other terms, which stay. */
async function lateOfOtherTerms(client: Queryable, late: readonly GivenTrade[]): Promise<number[]> {
  if (late.length === 0) return [];
  const [ids, versions] = columnsOf(late);
  const { rows } = await client.query<HeadTexts>({
    name: 'read-late-trades',
    text: READ_LATE,
    values: [ids, versions],
  });
  const kept = new Map(rows.map((row) => [`${row.version} ${row.tradeId}`, placedFrom(row).trade]));
  return late.flatMap(({ trade, place }) => {
    const known = kept.get(`${trade.version} ${trade.tradeId}`);
    return known && !isSame(trade, known) ? [place] : [];
  });
}

async function saveHeads(client: Queryable, heads: readonly PlacedTrade[]): Promise<void> {
  if (heads.length === 0) return;
  await client.query({ name: 'save-trade-heads', text: SAVE_HEADS, values: headColumnsOf(heads) });
}

const SAVE_HEADS = `
  UPDATE trade_head h SET version = t.version, ts = to_timestamp(t.ts / 1000.0), account = t.account, node_id = t.node_id,
    status = t.status
  FROM ${HEADS}
  WHERE h.trade_id = t.trade_id`;

function headColumnsOf(heads: readonly PlacedTrade[]): unknown[][] {
  const [ids, versions, instants, accounts, nodes, , , , , statuses] = columnsOf(heads);
  return [ids, versions, instants, accounts, nodes, statuses].map((column) => column ?? []);
}

function columnsOf(placed: readonly PlacedTrade[]): unknown[][] {
  const trades = placed.map(({ trade }) => trade);
  return [
    trades.map(({ tradeId }) => tradeId),
    trades.map(({ version }) => version),
    trades.map(({ ts }) => ts),
    trades.map(({ account }) => account),
    placed.map(({ nodeId }) => nodeId),
    trades.map(({ side }) => side),
    trades.map(({ mw }) => String(mw)),
    trades.map(({ price }) => String(price)),
    trades.map(({ minutes }) => minutes),
    trades.map(({ status }) => status),
  ];
}
