/**
 * A **family** is a kind of fact, say prices or trades, and all that the pipeline has to know of it. What a unit is, its ledger
 * entry, its dead letters, its place in the order of commits, is the same for every family.
 */
import type { VersionedControlSignal } from '../../../domain/control-signal.ts';
import type { VersionedLmp } from '../../../domain/lmp.ts';
import type { VersionedPlantReading } from '../../../domain/plant-status.ts';
import type { VersionedTariffPrice } from '../../../domain/tariff.ts';
import type { Trade } from '../../../domain/trade.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { Facts, FamilyName, RejectCode } from '../../feed.ts';
import type { News } from '../news.ts';
import type { UnitKind } from '../store/ledger.ts';
import type { Claim } from '../store/positions.ts';
import type { DatedPlace } from '../store/write-places.ts';
import type { Item } from '../unit.ts';
import type { Impossible, Version } from '../validate.ts';
import type { Places } from './places.ts';

export interface Family<Fact, Judged, NodeId extends number | null> {
  /** Where on the grid its facts are: at a pricing node each, or nowhere. */
  readonly places: Places<Judged, NodeId>;
  /** What is impossible is refused, what is odd is flagged and kept as it came. @param now milliseconds UTC. */
  judge(fact: Fact, version: Version, now: number): Judged | Impossible;
  /** The range of time that a fact is of, milliseconds UTC. */
  rangeOf(fact: Judged): { readonly from: number; readonly to: number };
  /** A fact as a dead letter keeps it, where it is not a record by itself; and back. */
  textOf(fact: Fact): string;
  factFrom(text: string): Fact;
  /** Writes facts in the caller's transaction. What it throws of a value makes the pipeline look for the one to blame. */
  write(client: Queryable, placed: readonly Placed<Judged, NodeId>[], by: WriteContext): Promise<Written>;
  /** Called after the commit of facts in a range. */
  committed(range: { readonly from: number; readonly to: number }): void;
}

/** A fact whose node the store knows, or that is of none. */
export interface Placed<Judged, NodeId extends number | null> {
  readonly fact: Judged;
  readonly item: Item;
  readonly nodeId: NodeId;
}

export interface WriteContext {
  /** Whose lock the transaction holds. */
  readonly claim: Pick<Claim, 'feed' | 'partition'>;
  readonly ledgerId: number;
  /** Milliseconds UTC. */
  readonly now: number;
  readonly kind: UnitKind;
}

export interface Written {
  /** Facts that were not there. */
  readonly written: number;
  /** Newer versions of facts that were. */
  readonly revised: number;
  /** Known already, or older than what counts. */
  readonly unchanged: number;
  /** What contradicts what is there, by its place in what was to be written. */
  readonly refused: readonly Refused[];
  readonly news: News;
  /** Statements under way whose answers nothing is made of: they travel with the ledger's. */
  readonly saved?: Promise<unknown>;
}

export interface Refused {
  readonly place: number;
  readonly code: RejectCode;
  readonly reason: string;
}

/** What judging makes of a fact, by family. */
export interface JudgedFacts {
  readonly lmp: VersionedLmp;
  readonly trades: Trade;
  readonly tariffs: VersionedTariffPrice;
  readonly 'plant-status': VersionedPlantReading;
  readonly 'control-signals': VersionedControlSignal;
  readonly places: DatedPlace;
}

/** What the store knows a fact's node by, by family. */
interface NodeIds {
  readonly lmp: number;
  readonly trades: number;
  readonly tariffs: null;
  readonly 'plant-status': null;
  readonly 'control-signals': null;
  readonly places: number;
}

export type FamilyOf<Name extends FamilyName> = Family<Facts[Name], JudgedFacts[Name], NodeIds[Name]>;

export type PlacedOf<Name extends FamilyName> = Placed<JudgedFacts[Name], NodeIds[Name]>;

export type Families = { readonly [Name in FamilyName]: FamilyOf<Name> };
