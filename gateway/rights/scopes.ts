import { BusbarError } from '../../domain/errors.ts';
import { inScope, type Rights, type Scope } from '../../domain/rights.ts';
import { marketIn } from '../live/market-in.ts';

/** What somebody's questions are bound to. */
export interface Scopes {
  readonly markets: Bounds;
  readonly feeds: Bounds;
  readonly accounts: Bounds;
}

/** @returns undefined where nothing is bound: whoever sees everything is asked nothing. */
export function scopesOf({ markets, feeds, accounts }: Rights): Scopes | undefined {
  if (markets === 'ALL' && feeds === 'ALL' && accounts === 'ALL') return undefined;
  return {
    markets: new Bounds('market', markets),
    feeds: new Bounds('feed', feeds),
    accounts: new Bounds('account', accounts),
  };
}

/** What is named must be in scope; what names nothing is narrowed to what is. */
export class Bounds {
  /** For a statement; undefined: any. */
  readonly list: readonly string[] | undefined;
  readonly #kind: string;
  readonly #ids: ReadonlySet<string> | undefined;

  constructor(kind: string, scope: Scope) {
    this.#kind = kind;
    this.list = scope === 'ALL' ? undefined : scope;
    this.#ids = scope === 'ALL' ? undefined : new Set(scope);
  }

  has(id: string): boolean {
    return this.#ids?.has(id) ?? true;
  }

  /** @throws BusbarError `FORBIDDEN`, whether there is such a thing or not. */
  require(id: string): void {
    if (!this.has(id)) throw beyondRights(this.#kind, id);
  }

  /** What a question is narrowed to. @param named what it names itself. @throws BusbarError `FORBIDDEN`. */
  unless(named: string | undefined): readonly string[] | undefined {
    if (named === undefined) return this.list;
    this.require(named);
    return undefined;
  }

  /** @throws BusbarError `FORBIDDEN` where anything is beyond. */
  requireAll(what: string): void {
    if (this.#ids) throw new BusbarError('FORBIDDEN', `${what} need every ${this.#kind} in scope`);
  }
}

/** @throws BusbarError `FORBIDDEN` for the first of these nodes whose market is out of scope. */
export function requireNodes(markets: Bounds, nodes: readonly string[]): void {
  for (const node of nodes) markets.require(marketIn(node));
}

/** The rows, with an error in the place of each whose feed is beyond the rights. */
export function withinFeeds({ feeds }: Rights): <Row extends FeedsRow>(rows: readonly Row[]) => (Row | BusbarError)[] {
  return (rows) => rows.map((row) => (row && !inScope(feeds, row.feed) ? beyondRights('feed', row.feed) : row));
}

type FeedsRow = { readonly feed: string } | null;

function beyondRights(kind: string, id: string): BusbarError {
  return new BusbarError('FORBIDDEN', `the ${kind} ${shown(id)} is beyond your rights`);
}

function shown(id: string): string {
  return JSON.stringify(id.length <= 60 ? id : `${id.slice(0, 60)}…`);
}
