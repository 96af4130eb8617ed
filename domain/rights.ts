import { MARKETS } from './market.ts';

/**
 * Who may do what. A **role** gives permissions; **scopes** say of which markets, feeds and accounts. Both have to allow a thing.
 * The matrix in `docs/rights.md` is printed from here.
 */
export const ROLES = ['VIEWER', 'ANALYST', 'TRADER', 'OPERATOR', 'ADMIN'] as const;
export type Role = (typeof ROLES)[number];

/** Each with what it opens, as `docs/rights.md` says it. */
export const PERMISSIONS = {
  PRICES: 'prices, tariffs, plants, control signals and reference data of the markets in scope, and their live updates',
  ANALYSIS: 'statistics, forecasts, earlier versions and lineage of what is in scope, gaps, and exports of prices',
  DESK: 'accounts, trades, positions, PnL and exposure of the accounts in scope, live and as exports',
  FEEDS:
    'how the feeds in scope and their sources stand: status, ledger, jobs, dead letters, health; with all of them, `/metrics`',
  OPERATE: 'backfill, replay, repair, retry and discard on the feeds in scope, and cancelling their jobs',
  ADMINISTER: 'API keys, the audit log, and how accounts are counted',
} as const;
export type Permission = keyof typeof PERMISSIONS;

export const ROLE_PERMISSIONS: Readonly<Record<Role, readonly Permission[]>> = {
  VIEWER: ['PRICES'],
  ANALYST: ['PRICES', 'ANALYSIS', 'FEEDS'],
  TRADER: ['PRICES', 'ANALYSIS', 'FEEDS', 'DESK'],
  OPERATOR: ['PRICES', 'ANALYSIS', 'FEEDS', 'OPERATE'],
  ADMIN: ['PRICES', 'ANALYSIS', 'FEEDS', 'OPERATE', 'DESK', 'ADMINISTER'],
};

/** The utility whose tariffs, plants and control signals there are: to scopes it is a market. */
export const UTILITY = 'CKW';

/** Ids of what scopes call markets. */
export const SCOPE_MARKETS: readonly string[] = [...MARKETS.map(({ id }) => id), UTILITY].sort();

/** Ids that are in scope; `ALL` of a kind, also those that are still to come. */
export type Scope = 'ALL' | readonly string[];

export interface Rights {
  readonly roles: readonly Role[];
  /** Of `SCOPE_MARKETS`: `PJM`. Facts of other markets are not shown, on any way. */
  readonly markets: Scope;
  readonly feeds: Scope;
  readonly accounts: Scope;
}

/** What it takes to have a file of each kind, by its path under `/export/`. */
export const EXPORT_PERMISSIONS = { lmp: 'ANALYSIS', trades: 'DESK', pnl: 'DESK' } as const satisfies Readonly<
  Record<string, Permission>
>;

/** Whose records are trades: what cannot be read of them is the desk's as well. */
const DESK_FEEDS: ReadonlySet<string> = new Set(['trades']);

export function isDeskFeed(feed: string): boolean {
  return DESK_FEEDS.has(feed);
}

/** Of what, without whether it may be seen or changed. */
export type Reach = Omit<Rights, 'roles'>;

/** Of whoever runs Busbar for itself, on its own machine. */
export const ALL_RIGHTS: Rights = { roles: ['ADMIN'], markets: 'ALL', feeds: 'ALL', accounts: 'ALL' };

export function may({ roles }: Rights, permission: Permission): boolean {
  return roles.some((role) => ROLE_PERMISSIONS[role].includes(permission));
}

export function inScope(scope: Scope, id: string): boolean {
  return scope === 'ALL' || scope.includes(id);
}

/** Whether `rights` allow all that `wanted` would allow: nobody gives more than they have. */
export function covers(rights: Rights, wanted: Rights): boolean {
  const permissions = wanted.roles.flatMap((role) => ROLE_PERMISSIONS[role]);
  return (
    permissions.every((permission) => may(rights, permission)) &&
    isWithin(rights.markets, wanted.markets) &&
    isWithin(rights.feeds, wanted.feeds) &&
    isWithin(rights.accounts, wanted.accounts)
  );
}

function isWithin(scope: Scope, wanted: Scope): boolean {
  if (wanted === 'ALL') return scope === 'ALL';
  return wanted.every((id) => inScope(scope, id));
}

export function isRole(text: string): text is Role {
  return (ROLES as readonly string[]).includes(text);
}

/** The same text for the same rights: whoever shares it may share answers and cursors. */
export function rightsKey({ roles, markets, feeds, accounts }: Rights): string {
  return [roles, markets, feeds, accounts].map(canonical).join(' ');
}

/** JSON, so that no id can pass for two. */
function canonical(listed: Scope): string {
  return listed === 'ALL' ? '*' : JSON.stringify([...new Set(listed)].sort());
}
