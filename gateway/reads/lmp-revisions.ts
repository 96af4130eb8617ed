import { localNameOf, marketOf } from '../../domain/market.ts';
import { qualityBits, qualityFlags } from '../../domain/quality.ts';
import type { LmpKey, LmpRevisionRow } from '../../schema/context.ts';
import { LIMITS, limitExceeded } from '../../schema/limits.ts';
import { nodeNames } from './asked-nodes.ts';
import type { Queryable } from './statement.ts';

interface StoredRevision {
  readonly place: number;
  readonly interval_end: Date;
  readonly lmp: number;
  readonly energy: number | null;
  readonly congestion: number | null;
  readonly loss: number | null;
  readonly ghg: number | null;
  readonly quality: number;
  readonly revision: number;
  readonly published_at: Date;
  readonly recorded_at: Date;
  readonly superseded_at: Date | null;
  readonly ledger_id: number;
}

const COLUMNS = `interval_end, lmp, energy, congestion, loss, ghg, quality, revision, published_at, published_seq,
  recorded_at, ledger_id`;

/** The price's own place in a key, and the bounds of all that is asked, which spare a hypertable the other chunks. */
const KEY = `node_id = n.id AND run = asked.run AND interval_start = asked.start
  AND interval_start >= $5 AND interval_start <= $6`;

const PRELIMINARY = qualityBits(['PRELIMINARY']);

const TEXT = `
  SELECT asked.place::int AS place, version.*
  FROM unnest($1::text[], $2::text[], $3::market_run[], $4::timestamptz[])
    WITH ORDINALITY AS asked (market, name, run, start, place)
  JOIN pricing_node AS n ON n.market_id = asked.market AND n.name = asked.name
  CROSS JOIN LATERAL (
    SELECT ${COLUMNS}, NULL::timestamptz AS superseded_at FROM lmp WHERE ${KEY}
    UNION ALL
    SELECT ${COLUMNS}, superseded_at FROM lmp_revision WHERE ${KEY}
  ) AS version
  ORDER BY asked.place, superseded_at IS NULL DESC, quality & ${PRELIMINARY} = 0 DESC, published_at DESC,
    published_seq DESC, revision DESC
  LIMIT $7`;

/**
 * Every version of each price in one statement: the current one, then the final and the preliminary others, each newest
 * publication first. A price nobody has ever seen has none.
 * @throws BusbarError `LIMIT_EXCEEDED` where there are more than one answer may show.
 */
export async function readLmpRevisions(
  db: Queryable,
  keys: readonly LmpKey[],
  rowsMax: number = LIMITS.revisions,
): Promise<LmpRevisionRow[][]> {
  const nodes = nodeNames(keys.map(({ node }) => node));
  const starts = keys.map(({ startAt }) => startAt);
  const values = [
    nodes.map((node) => marketOf(node).id),
    nodes.map(localNameOf),
    keys.map(({ run }) => run),
    starts.map((start) => new Date(start)),
    new Date(starts.reduce((least, start) => Math.min(least, start), Number.POSITIVE_INFINITY)),
    new Date(starts.reduce((most, start) => Math.max(most, start), Number.NEGATIVE_INFINITY)),
    rowsMax + 1,
  ];
  const { rows } = await db.query<StoredRevision>({ name: 'lmp-revisions', text: TEXT, values });
  if (rows.length > rowsMax) throw limitExceeded('revisions', rows.length, 'ask for fewer prices');
  const versions: LmpRevisionRow[][] = keys.map(() => []);
  for (const row of rows) versions[row.place - 1]?.push(revisionRowFrom(row));
  return versions;
}

function revisionRowFrom(stored: StoredRevision): LmpRevisionRow {
  return {
    endAt: stored.interval_end.getTime(),
    lmp: stored.lmp,
    energy: stored.energy,
    congestion: stored.congestion,
    loss: stored.loss,
    ghg: stored.ghg,
    flags: qualityFlags(stored.quality),
    revision: stored.revision,
    publishedAt: stored.published_at.getTime(),
    recordedAt: stored.recorded_at.getTime(),
    supersededAt: stored.superseded_at?.getTime() ?? null,
    ledgerId: stored.ledger_id,
  };
}
