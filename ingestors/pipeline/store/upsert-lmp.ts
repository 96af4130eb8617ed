import type { VersionedLmp } from '../../../domain/lmp.ts';
import { marketOf } from '../../../domain/market.ts';
import type { MarketRun } from '../../../domain/market-run.ts';
import { operatingDayOf } from '../../../domain/operating-day.ts';
import { qualityBits } from '../../../domain/quality.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import { column } from './columns.ts';

export interface PlacedLmp {
  readonly fact: VersionedLmp;
  readonly nodeId: number;
}

/** A price that is now current: new, or a newer version of one that was there. */
export interface WrittenLmp {
  readonly fact: VersionedLmp;
  readonly revision: number;
}

export interface UpsertResult {
  /** In the order the facts came. */
  readonly written: readonly WrittenLmp[];
  readonly revised: number;
  /** Known already (published anew, it is confirmed), or older than what is there. */
  readonly unchanged: number;
}

/**
 * Writes prices so that the newest version is current, older ones are history and a repeated one changes nothing but
 * when its values were last confirmed.
 *
 * One statement a run of distinct keys, `INSERT … SELECT FROM unnest … ON CONFLICT`: on two connections 122k rows/s, where
 * COPY on one takes as many and cannot meet a duplicate (`npm run bench -- store`). The version that is replaced is kept by
 * the trigger `lmp_keep_superseded` in the same statement. Facts with the same key in one call are applied one after
 * another, so that none of the versions is lost.
 * @param keepLate whether what is older than the current version is kept as history. Not in a replay: what is read again was
 *   there before, and a mended decoder does not make another version of it.
 */
export async function upsertLmp(
  client: Queryable,
  facts: readonly PlacedLmp[],
  ledgerId: number,
  recordedAt: number,
  keepLate = true,
): Promise<UpsertResult> {
  const written: WrittenLmp[] = [];
  const statements = rounds(facts);
  // Only where a key comes again within the call is there something to tell apart.
  const earlier = statements.some(({ again }) => again) ? new Set<string>() : undefined;
  for (const { run, rows, again } of statements) {
    const values = columnsOf(rows, run, ledgerId, recordedAt);
    const { rows: answer } = await client.query<{ written: number; details: Detail[] | null }>({
      name: 'upsert-lmp',
      text: UPSERT,
      values: [...values, again],
    });
    const { details, written: count } = answer[0] ?? { details: [], written: 0 };
    const current = details ? matched(rows, details) : rows.map(({ fact }) => ({ fact, revision: 1 }));
    written.push(...(earlier ? current.filter((each) => isNew(earlier, each)) : current));
    if (keepLate && count < rows.length) await client.query({ name: 'keep-late-lmp', text: KEEP_LATE, values });
  }
  const revised = written.filter(({ revision }) => revision > 1).length;
  return { written, revised, unchanged: facts.length - written.length };
}

/** A repeat of what this very call wrote stands under its ledger entry too, and is not news. */
function isNew(earlier: Set<string>, { fact, revision }: WrittenLmp): boolean {
  const key = `${fact.run} ${fact.node} ${fact.startAt} ${revision}`;
  if (earlier.has(key)) return false;
  earlier.add(key);
  return true;
}

/** Splits into statements: one run each, no key twice in one (Postgres refuses to touch a row twice in a statement). */
function rounds(facts: readonly PlacedLmp[]): { run: MarketRun; rows: PlacedLmp[]; again: boolean }[] {
  const byRun = new Map<MarketRun, { seen: Map<number, Map<number, number>>; rounds: PlacedLmp[][] }>();
  for (const placed of facts) {
    const { run, startAt } = placed.fact;
    const group = getOrAdd(byRun, run, () => ({ seen: new Map(), rounds: [] }));
    const starts = getOrAdd(group.seen, placed.nodeId, () => new Map());
    const round = starts.get(startAt) ?? 0;
    starts.set(startAt, round + 1);
    if (round === group.rounds.length) group.rounds.push([]);
    group.rounds[round]?.push(placed);
  }
  return [...byRun].flatMap(([run, group]) => group.rounds.map((rows, round) => ({ run, rows, again: round > 0 })));
}

function getOrAdd<Key, Value>(map: Map<Key, Value>, key: Key, create: () => Value): Value {
  const found = map.get(key);
  if (found !== undefined) return found;
  const created = create();
  map.set(key, created);
  return created;
}

/** [node id, interval start in milliseconds, revision] */
type Detail = readonly [number, number, number];

function matched(rows: readonly PlacedLmp[], details: readonly Detail[]): WrittenLmp[] {
  const revisions = new Map(details.map(([node, start, revision]) => [`${node}@${start}`, revision]));
  return rows.flatMap(({ nodeId, fact }) => {
    const revision = revisions.get(`${nodeId}@${fact.startAt}`);
    return revision === undefined ? [] : [{ fact, revision }];
  });
}

function columnsOf(rows: readonly PlacedLmp[], run: MarketRun, ledgerId: number, recordedAt: number): unknown[] {
  return [
    run,
    ledgerId,
    recordedAt,
    column('int4', rows, (row) => row.nodeId),
    column('timestamptz', rows, (row) => row.fact.startAt),
    column('timestamptz', rows, (row) => row.fact.endAt),
    column('date', rows, (row) => operatingDayOf(marketOf(row.fact.node), row.fact.startAt)),
    column('float8', rows, (row) => row.fact.lmp),
    column('float8', rows, (row) => row.fact.energy),
    column('float8', rows, (row) => row.fact.congestion),
    column('float8', rows, (row) => row.fact.loss),
    column('float8', rows, (row) => row.fact.ghg),
    column('int4', rows, (row) => (row.fact.flags.length === 0 ? 0 : qualityBits(row.fact.flags))),
    column('timestamptz', rows, (row) => row.fact.publishedAt),
    column('int8', rows, (row) => row.fact.publishedSeq),
  ];
}

const INCOMING = `
  SELECT node_id, $1::market_run AS run, interval_start, interval_end, operating_day,
         lmp, energy, congestion, loss, ghg, quality, published_at, published_seq,
         to_timestamp($3::float8 / 1000.0) AS recorded_at, $2::bigint AS ledger_id
  FROM unnest($4::int4[], $5::timestamptz[], $6::timestamptz[], $7::date[], $8::float8[], $9::float8[], $10::float8[],
              $11::float8[], $12::float8[], $13::int4[], $14::timestamptz[], $15::int8[])
       AS t(node_id, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, ghg, quality,
            published_at, published_seq)`;

const COLUMNS = `node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, ghg, quality,
                 published_at, published_seq, recorded_at, ledger_id`;

const PRELIMINARY = qualityBits(['PRELIMINARY']);

/** What a version says: two that agree in it are the same, whoever published them when. */
const values = (row: string) =>
  `(${row}.lmp, ${row}.energy, ${row}.congestion, ${row}.loss, ${row}.ghg, ${row}.interval_end, ${row}.quality & ${PRELIMINARY})`;

const isFinal = (row: string) => `${row}.quality & ${PRELIMINARY} = 0`;

const publication = (row: string) => `(${row}.published_at, ${row}.published_seq)`;

/** The order of versions: a final one is newer than any preliminary one, then the later published one is. */
const age = (row: string) => `(${isFinal(row)}, ${row}.published_at, ${row}.published_seq)`;

/** A current version is as new as the last time its source said so. */
const CURRENT_AGE = `(${isFinal('l')}, coalesce(l.confirmed_at, l.published_at), coalesce(l.confirmed_seq, l.published_seq))`;

/** Whether a version that comes says something else than the one that is there. */
const DIFFERS = `${values('excluded')} IS DISTINCT FROM ${values('l')}`;

/**
 * A newer version with other values is a revision. One with the same values confirms the version that is there: when it was
 * first published stays what it was, but what lies between the two cannot come later and win. `details` is null in the
 * ordinary case that every row was new: then nothing has to travel back.
 */
const UPSERT = `
  WITH touched AS (
    INSERT INTO lmp AS l (${COLUMNS}) SELECT ${COLUMNS} FROM (${INCOMING}) AS incoming
    ON CONFLICT (node_id, run, interval_start) DO UPDATE SET
      interval_end = excluded.interval_end, operating_day = excluded.operating_day,
      lmp = excluded.lmp, energy = excluded.energy, congestion = excluded.congestion, loss = excluded.loss,
      ghg = excluded.ghg, quality = excluded.quality,
      revision = CASE WHEN ${DIFFERS} THEN l.revision + 1 ELSE l.revision END,
      recorded_at = CASE WHEN ${DIFFERS} THEN excluded.recorded_at ELSE l.recorded_at END,
      ledger_id = CASE WHEN ${DIFFERS} THEN excluded.ledger_id ELSE l.ledger_id END,
      published_at = CASE WHEN ${DIFFERS} THEN excluded.published_at ELSE l.published_at END,
      published_seq = CASE WHEN ${DIFFERS} THEN excluded.published_seq ELSE l.published_seq END,
      confirmed_at = CASE WHEN ${DIFFERS} THEN NULL ELSE excluded.published_at END,
      confirmed_seq = CASE WHEN ${DIFFERS} THEN NULL ELSE excluded.published_seq END
    WHERE ${age('excluded')} > ${CURRENT_AGE} OR (${age('excluded')} = ${CURRENT_AGE} AND ${DIFFERS})
    RETURNING node_id, interval_start, revision, ledger_id
  ), written AS (
    SELECT node_id, interval_start, revision FROM touched WHERE ledger_id = $2
  )
  SELECT count(*)::int AS written, count(*) FILTER (WHERE revision > 1)::int AS revised,
         CASE WHEN $16 OR count(*) < cardinality($4::int4[]) OR count(*) FILTER (WHERE revision > 1) > 0
              THEN coalesce(json_agg(json_build_array(node_id, (extract(epoch FROM interval_start) * 1000)::bigint, revision)), '[]')
         END AS details
  FROM written`;

/**
 * The newest versions of history that were published no later than `i`, preliminary or final as it is: several only where
 * a mended decoder read one publication twice. The current one counts among them where it was first published before `i`
 * and confirmed after it.
 */
const BEFORE_INCOMING = `
  SELECT before.* FROM (
    SELECT r.lmp, r.energy, r.congestion, r.loss, r.ghg, r.interval_end, r.quality, r.published_at, r.published_seq
    FROM lmp_revision r WHERE r.node_id = i.node_id AND r.run = i.run AND r.interval_start = i.interval_start
    UNION ALL
    SELECT l.lmp, l.energy, l.congestion, l.loss, l.ghg, l.interval_end, l.quality, l.published_at, l.published_seq
  ) AS before
  WHERE (${isFinal('before')}) = (${isFinal('i')}) AND ${publication('before')} <= ${publication('i')}
  ORDER BY before.published_at DESC, before.published_seq DESC
  FETCH FIRST 1 ROW WITH TIES`;

/**
 * A version that arrived after a newer one is history that was never current: revision 0. One that only says again what
 * the version before it says is none of its own, be it read again as in an overlapping backfill or published again.
 */
const KEEP_LATE = `
  INSERT INTO lmp_revision (${COLUMNS}, revision, superseded_at)
  SELECT i.node_id, i.run, i.interval_start, i.interval_end, i.operating_day, i.lmp, i.energy, i.congestion, i.loss, i.ghg,
         i.quality, i.published_at, i.published_seq, i.recorded_at, i.ledger_id, 0, i.recorded_at
  FROM (${INCOMING}) AS i
  JOIN lmp l ON l.node_id = i.node_id AND l.run = i.run AND l.interval_start = i.interval_start
  WHERE ${age('i')} < ${CURRENT_AGE} AND ${values('i')} IS DISTINCT FROM ${values('l')}
    AND NOT EXISTS (
      SELECT FROM (${BEFORE_INCOMING}) AS said WHERE ${values('i')} IS NOT DISTINCT FROM ${values('said')})
  ON CONFLICT DO NOTHING`;
