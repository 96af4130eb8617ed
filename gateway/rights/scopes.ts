import { BusbarError } from '../../domain/errors.ts';
import type { Rights, Scope } from '../../domain/rights.ts';
import type { JobRow, LedgerRow, Reads } from '../../schema/context.ts';
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
}

/** @throws BusbarError `FORBIDDEN` for the first of these nodes whose market is out of scope. */
export function requireNodes(markets: Bounds, nodes: readonly string[]): void {
  for (const node of nodes) markets.require(marketIn(node));
}

/** With a refusal in the place of each entry of a feed out of scope. One that is no longer kept stays null: facts outlive theirs. */
export function entriesWithin(feeds: Bounds, rows: readonly (LedgerRow | null)[]): (LedgerRow | null | BusbarError)[] {
  return rows.map((row) => (row && !feeds.has(row.feed) ? notSeen('an entry of the ledger') : row));
}

/** With a refusal in the place of each job of a feed out of scope, and of what is no job: which it is, is not told. */
export function jobsWithin(feeds: Bounds, rows: readonly (JobRow | null)[]): (JobRow | null | BusbarError)[] {
  if (!feeds.list) return [...rows];
  return rows.map((row) => (row && feeds.has(row.feed) ? row : notSeen('a job')));
}

/** @throws BusbarError `FORBIDDEN`, whether there is such a job or not. */
export async function requireJob(feeds: Bounds, reads: Pick<Reads, 'jobsById'>, id: number): Promise<void> {
  const [job] = jobsWithin(feeds, await reads.jobsById([id]));
  if (job instanceof BusbarError) throw job;
}

function notSeen(what: string): BusbarError {
  return new BusbarError('FORBIDDEN', `this is not ${what} that you may see`);
}

function beyondRights(kind: string, id: string): BusbarError {
  return new BusbarError('FORBIDDEN', `the ${kind} ${shown(id)} is beyond your rights`);
}

function shown(id: string): string {
  return JSON.stringify(id.length <= 60 ? id : `${id.slice(0, 60)}…`);
}
