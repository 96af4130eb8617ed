import { type Exposed, exposureOf } from '../../domain/exposure.ts';
import { marketOf } from '../../domain/market.ts';
import { type Decimal, decimalFrom } from '../../domain/money.ts';
import type { ExposureGroup, ExposureQuestion, ExposureRow, MarkPrice } from '../../schema/trading-rows.ts';
import { nodeName } from './asked-nodes.ts';
import { type MarkedPosition, type Marking, readMarkedPositions } from './positions.ts';
import type { Queryable } from './statement.ts';

/** Of which account, market and node the positions of a group are; null where of several. */
type GroupKey = Pick<ExposureRow, 'account' | 'market' | 'node'>;

/**
 * Exposure of each group of positions, by account, market and node, in two statements. The positions are summed here and not
 * in the store, whose prices are doubles: a price is taken as it is written.
 * @throws BusbarError `LIMIT_EXCEEDED`.
 */
export async function readExposure(
  db: Queryable,
  { by, shock, ...question }: ExposureQuestion,
  marking: Marking,
): Promise<ExposureRow[]> {
  const groups = new Map<string, { key: GroupKey; members: MarkedPosition[] }>();
  for (const member of await readMarkedPositions(db, question, marking)) {
    const key = GROUP_KEYS[by](member);
    const name = JSON.stringify([key.account, key.market, key.node]);
    const group = groups.get(name);
    if (group) group.members.push(member);
    else groups.set(name, { key, members: [member] });
  }
  return [...groups.values()].sort(byKey).map(({ key, members }) => rowOf(key, members, shock));
}

const GROUP_KEYS: Readonly<Record<ExposureGroup, (member: MarkedPosition) => GroupKey>> = {
  POSITION: ({ standing: { account, node } }) => ({ account, market: marketIdOf(node), node }),
  ACCOUNT: ({ standing: { account } }) => ({ account, market: null, node: null }),
  MARKET: ({ standing: { node } }) => ({ account: null, market: marketIdOf(node), node: null }),
  NODE: ({ standing: { node } }) => ({ account: null, market: marketIdOf(node), node }),
};

function rowOf(key: GroupKey, members: readonly MarkedPosition[], shock: ExposureQuestion['shock']): ExposureRow {
  const { netMw, grossMw, pnl01, netNotional, grossNotional, shockPnl, ...counts } = exposureOf(
    members.map(exposedFrom),
    shock,
  );
  return {
    ...key,
    ...counts,
    netMw: String(netMw),
    grossMw: String(grossMw),
    pnl01: String(pnl01),
    netNotional: textOrNull(netNotional),
    grossNotional: textOrNull(grossNotional),
    last: key.node === null ? null : lastOf(members),
    shockPnl: textOrNull(shockPnl),
  };
}

function exposedFrom({ standing: { position }, price }: MarkedPosition): Exposed {
  return { position, lastPrice: price ? decimalFrom(price.lmp) : null };
}

/** Positions of one node are all marked at one price. */
function lastOf(members: readonly MarkedPosition[]): MarkPrice | null {
  const price = members.at(0)?.price;
  return price ? { run: price.run, startAt: price.startAt, price: String(decimalFrom(price.lmp)) } : null;
}

/** The store gives positions by account: of groups without one, nodes and markets are out of order. */
function byKey({ key: one }: { key: GroupKey }, { key: other }: { key: GroupKey }): number {
  return (
    compareTexts(one.account, other.account) ||
    compareTexts(one.market, other.market) ||
    compareTexts(one.node, other.node)
  );
}

function compareTexts(one: string | null, other: string | null): number {
  const [a, b] = [one ?? '', other ?? ''];
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function marketIdOf(node: string): string {
  return marketOf(nodeName(node)).id;
}

function textOrNull(decimal: Decimal | null): string | null {
  return decimal && String(decimal);
}
