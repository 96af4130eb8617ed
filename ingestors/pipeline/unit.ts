/**
 * A **unit** is what is committed together: a batch of log records, one fetch, one file, one chunk of a job. Its rows, its
 * ledger entry, its dead letters and the partition's new position become visible at once or not at all.
 */
import type { DeliveryRange, Payload } from '../feed.ts';
import type { DeadLetterForm } from './store/dead-letters.ts';
import type { PlannedEntry, UnitKind } from './store/ledger.ts';
import type { Version } from './validate.ts';

export interface Unit {
  readonly kind: UnitKind;
  /** The partition's position after this unit; undefined for a file or a chunk, which move nothing. */
  readonly next: number | undefined;
  /** What was asked for, or the file's name; null for a batch, which its positions describe. */
  readonly request: string | null;
  readonly items: readonly Item[];
  /** Offsets still to read after this unit. */
  readonly lag: number | null;
  /** A loss the source admits, to stand in the ledger. */
  readonly failure?: string;
  /** The ledger entry made when a job was planned; without it, one is made at the commit. */
  readonly entry?: PlannedEntry;
  /** What a source was asked for, as far as the unit's planned entry does not say it. */
  readonly asked?: DeliveryRange;
  /** Decode it although the same bytes came before. */
  readonly decodeAgain?: boolean;
}

export interface Item extends Version {
  readonly payload: Payload;
  /** Offset in the log. */
  readonly position?: number;
  /** What the payload's bytes are; `PAYLOAD` where nothing is said. */
  readonly form?: DeadLetterForm;
  /** The entry that brought the payload before. */
  readonly origin?: number;
  /** The dead letter that is tried again. */
  readonly deadLetter?: number;
}

export interface Outcome {
  readonly ledgerId: number;
  readonly rowsIn: number;
  readonly written: number;
  readonly revised: number;
  readonly unchanged: number;
  readonly rejected: number;
  /** What was told of nodes beside the facts, and changed what is known of them; absent where nothing new was told. */
  readonly places?: { readonly told: number; readonly changed: number };
  /** The source's own words that it has nothing. */
  readonly noData: string | undefined;
  /** The entry that brought the same bytes before; then nothing was decoded. */
  readonly duplicateOf: number | undefined;
}
