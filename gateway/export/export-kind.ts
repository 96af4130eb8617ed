import type { Permission } from '../../domain/rights.ts';
import type { Rollups } from '../reads/rollups.ts';
import type { Scopes } from '../rights/scopes.ts';
import type { Batch, Column } from './columns.ts';
import type { Snapshot } from './snapshot.ts';

/** What can be exported by one path. */
export interface ExportKind {
  readonly needs: Permission;
  /**
   * Reads the question. Nothing is asked of the store yet.
   * @param scopes of whoever asks; undefined: everything is in scope.
   * @throws BusbarError `BAD_USER_INPUT`, `LIMIT_EXCEEDED`, `FORBIDDEN`.
   */
  plan(query: URLSearchParams, scopes: Scopes | undefined): ExportPlan;
}

export interface ExportPlan {
  /** Name of the file that it is saved as, without its extension. */
  readonly file: string;
  readonly columns: readonly Column[];
  /** No fewer than there can be; undefined where only reading them tells. */
  readonly rowsMax?: number | undefined;
  /** Everything asked for, as far as it is taken. @throws BusbarError `LIMIT_EXCEEDED`. */
  batches(snapshot: Snapshot, around: Surroundings): AsyncGenerator<Batch>;
}

export interface Surroundings {
  readonly rollups: () => Promise<Rollups>;
  /** Milliseconds UTC: where the future begins. */
  readonly now: number;
}
