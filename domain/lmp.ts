import { marketOf, type NodeName } from './market.ts';
import type { MarketRun } from './market-run.ts';
import type { QualityFlag } from './quality.ts';

/** The numbers of one price, in the market's currency per MWh; instants in milliseconds since the epoch, UTC. */
interface Price {
  readonly run: MarketRun;
  readonly startAt: number;
  readonly endAt: number;
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
  readonly ghg: number | null;
}

/**
 * One price: a node, a run and a half-open delivery interval `[startAt, endAt)`. Negative prices are ordinary. A component
 * that was not published is null, never 0. Signs are such that `lmp = energy + congestion + loss (+ ghg)`.
 */
export interface LmpFact extends Price {
  readonly node: NodeName;
  /** The source says that a final value will follow. */
  readonly preliminary?: boolean;
  /** The source's own number of the version, where it publishes several together; the higher one is newer. */
  readonly sourceVersion?: number;
}

/** A committed version of a price, as it leaves the store: plain JSON. */
export interface StoredLmp extends Price {
  /** `MARKET:NAME`. */
  readonly node: string;
  /** Counts from 1; a correction is one more. */
  readonly revision: number;
  readonly flags: readonly QualityFlag[];
  readonly publishedAt: number;
  /** The ledger entry that brought it. */
  readonly ledgerId: number;
}

/** What the source or its report says of a fact beyond its numbers. */
export interface VersionedLmp extends LmpFact {
  /** When the source published this version, milliseconds UTC. Of two versions the one published later is current. */
  readonly publishedAt: number;
  /** Tells apart versions published in the same millisecond: the log offset, or 0. */
  readonly publishedSeq: number;
  readonly flags: readonly QualityFlag[];
}

/** Prices beyond this are flagged: above every offer cap of a US market (ERCOT's 9,000 $/MWh of 2021 was the highest). */
const OUTLIER_PRICE = 10_000;

/**
 * Checks RULES 1 on one fact.
 * @returns the flags it earns; an empty list where all is well or there is nothing to check.
 */
export function checkIdentity(fact: LmpFact): QualityFlag[] {
  const flags: QualityFlag[] = [];
  if (Math.abs(fact.lmp) > OUTLIER_PRICE) flags.push('PRICE_OUTLIER');
  const { energy, congestion, loss, ghg } = fact;
  const market = marketOf(fact.node);
  const parts = [energy, congestion, loss].filter((part) => part !== null);
  if (parts.length === 0) return flags;
  if (energy === null || congestion === null || loss === null) {
    flags.push('COMPONENT_MISSING');
  } else if (market.id === 'CAISO' && ghg === null) {
    flags.push('GHG_MISSING');
  } else if (market.identityTolerance !== null) {
    const gap = Math.abs(fact.lmp - (energy + congestion + loss + (ghg ?? 0)));
    // A tolerance of 0.0001 must admit a gap of 0.0001 that binary floating point shows as 0.00010000000003.
    if (gap > market.identityTolerance + 1e-9) flags.push('IDENTITY_BREACH');
  }
  return flags;
}
