import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import type { LmpFact } from '../../domain/lmp.ts';
import type { NodeName } from '../../domain/market.ts';

/** A price as it was from one commit of its writer on. */
interface Version {
  readonly commit: number;
  readonly lmp: number;
  readonly revision: number;
}

export const STEP_MS = 5 * MINUTE_MS;

/** Every state that the prices of one writer's nodes ever had, told apart by the number of its commits. */
export class PriceHistory {
  /** Commits that were begun, and those that are known to be done. */
  begun = 0;
  done = 0;
  readonly #prices = new Map<NodeName, Map<number, Version[]>>();

  /** What the next commit will bring. @returns its number, to be told when it is done. */
  begin(facts: readonly LmpFact[]): number {
    const commit = ++this.begun;
    for (const { node, startAt, lmp } of facts) {
      const starts = this.#prices.get(node) ?? new Map<number, Version[]>();
      this.#prices.set(node, starts);
      const versions = starts.get(startAt) ?? [];
      starts.set(startAt, versions);
      const last = versions.at(-1);
      if (last?.lmp !== lmp) versions.push({ commit, lmp, revision: (last?.revision ?? 0) + 1 });
    }
    return commit;
  }

  priceAt(node: NodeName, startAt: number, commit: number): Version | undefined {
    return this.#prices
      .get(node)
      ?.get(startAt)
      ?.findLast((version) => version.commit <= commit);
  }

  /** Starts of the prices of `[from, to)`, ascending. */
  startsAt(node: NodeName, from: number, to: number, commit: number): number[] {
    const starts = [...(this.#prices.get(node)?.keys() ?? [])].filter((start) => start >= from && start < to);
    return starts.filter((start) => this.priceAt(node, start, commit)).sort((a, b) => a - b);
  }

  /** The mean of the prices of an hour; null: it has none. */
  hourAt(node: NodeName, hourAt: number, commit: number): number | null {
    const starts = this.startsAt(node, hourAt, hourAt + HOUR_MS, commit);
    if (starts.length === 0) return null;
    return starts.reduce((sum, start) => sum + (this.priceAt(node, start, commit)?.lmp ?? 0), 0) / starts.length;
  }
}
