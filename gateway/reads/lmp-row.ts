import type { MarketRun } from '../../domain/market-run.ts';
import { qualityFlags } from '../../domain/quality.ts';
import type { LmpRow } from '../../schema/context.ts';

/** What a statement selects of `lmp AS l` and an `asked(market, name)` for `lmpRowFrom`. */
export const LMP_COLUMNS = `asked.market || ':' || asked.name AS node, l.run, l.interval_start, l.interval_end,
  l.lmp, l.energy, l.congestion, l.loss, l.ghg, l.revision, l.quality, l.published_at, l.ledger_id`;

export interface StoredLmp {
  readonly node: string;
  readonly run: MarketRun;
  readonly interval_start: Date;
  readonly interval_end: Date;
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
  readonly ghg: number | null;
  readonly revision: number;
  readonly quality: number;
  readonly published_at: Date;
  readonly ledger_id: number;
}

export function lmpRowFrom(stored: StoredLmp): LmpRow {
  return {
    node: stored.node,
    run: stored.run,
    startAt: stored.interval_start.getTime(),
    endAt: stored.interval_end.getTime(),
    lmp: stored.lmp,
    energy: stored.energy,
    congestion: stored.congestion,
    loss: stored.loss,
    ghg: stored.ghg,
    revision: stored.revision,
    flags: qualityFlags(stored.quality),
    publishedAt: stored.published_at.getTime(),
    ledgerId: stored.ledger_id,
  };
}
