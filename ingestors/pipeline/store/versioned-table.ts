import type { Queryable } from '../../../prisma/queryable.ts';

/**
 * A table of facts of which the newest version is current, with its history in `<name>_revision`. Beside its own columns each
 * row has `revision`, `published_at`, `confirmed_at`, `recorded_at` and `ledger_id`, and a trigger keeps what an update
 * supersedes. For families of some thousand facts a day; prices of nodes have `upsertLmp`, which is made for millions.
 */
export interface VersionedTable<Fact extends Published> {
  readonly name: string;
  /** Together they say which fact it is. */
  readonly key: readonly Column<Fact>[];
  /** What a newer version may say otherwise. */
  readonly values: readonly Column<Fact>[];
  /** What is worked out of the values, and makes no version by itself. */
  readonly derived?: readonly Column<Fact>[];
}

export interface Column<Fact> {
  readonly name: string;
  /** As Postgres calls it. */
  readonly type: string;
  of(fact: Fact): string | number | null;
}

interface Published {
  /** Milliseconds UTC. */
  readonly publishedAt: number;
}

export interface VersionsWritten {
  /** Versions that are, or for a moment within the call were, current. */
  readonly written: number;
  /** Of them, those that superseded another. */
  readonly revised: number;
  /** Known already (published anew, it is confirmed), or older than what is there. */
  readonly unchanged: number;
}

export interface VersionsBy {
  readonly ledgerId: number;
  /** When it became known, milliseconds UTC. */
  readonly now: number;
  /** Whether what is older than the current version is kept as history. Not in a replay: it was there before. */
  readonly keepLate: boolean;
}

export type VersionWriter<Fact> = (
  client: Queryable,
  facts: readonly Fact[],
  by: VersionsBy,
) => Promise<VersionsWritten>;

/** An instant as a parameter of type `timestamptz`. */
export function instantText(ms: number): string {
  return new Date(ms).toISOString();
}

/**
 * Versions are ordered by their publication: a newer one with other values supersedes, one with the same values confirms, an
 * older one is history that never was current (revision 0). Of two of one publication the later to come supersedes. Facts
 * with the same key in one call are applied one after another.
 */
export function createVersionWriter<Fact extends Published>(table: VersionedTable<Fact>): VersionWriter<Fact> {
  const columns = [...table.key, ...table.values, ...(table.derived ?? [])];
  const { upsert, keepLate } = statementsOf(table, columns);
  const keyOf = (fact: Fact) => JSON.stringify(table.key.map((column) => column.of(fact)));
  return async (client, facts, by) => {
    const written = new Map<string, number>();
    for (const rows of rounds(facts, keyOf)) {
      const values = valuesOf(columns, rows, by);
      const touched = await client.query<Touched>({ name: `upsert-${table.name}`, text: upsert, values });
      // A repeat of what this very call wrote stands under its ledger entry too, and is not news.
      for (const { place, revision } of touched.rows) {
        const row = rows[place - 1];
        if (row !== undefined) written.set(`${keyOf(row)} ${revision}`, revision);
      }
      if (by.keepLate && touched.rows.length < rows.length) {
        await client.query({ name: `keep-late-${table.name}`, text: keepLate, values });
      }
    }
    const revised = [...written.values()].filter((revision) => revision > 1).length;
    return { written: written.size, revised, unchanged: facts.length - written.size };
  };
}

interface Touched {
  /** Of the row in its round, from 1. */
  readonly place: number;
  readonly revision: number;
}

/** Postgres refuses to touch a row twice in a statement: no key comes twice in a round. */
function rounds<Fact>(facts: readonly Fact[], keyOf: (fact: Fact) => string): Fact[][] {
  const seen = new Map<string, number>();
  const made: Fact[][] = [];
  for (const fact of facts) {
    const key = keyOf(fact);
    const round = seen.get(key) ?? 0;
    seen.set(key, round + 1);
    const rows = made[round] ?? [];
    rows.push(fact);
    made[round] = rows;
  }
  return made;
}

function valuesOf<Fact extends Published>(
  columns: readonly Column<Fact>[],
  rows: readonly Fact[],
  { ledgerId, now }: VersionsBy,
): unknown[] {
  return [
    ledgerId,
    instantText(now),
    rows.map(({ publishedAt }) => instantText(publishedAt)),
    ...columns.map((column) => rows.map((row) => column.of(row))),
  ];
}

/** `$1` the ledger entry, `$2` when it was recorded, `$3` publications, from `$4` on the columns. */
function statementsOf<Fact extends Published>(table: VersionedTable<Fact>, columns: readonly Column<Fact>[]) {
  const { name, key } = table;
  const names = columns.map((column) => column.name).join(', ');
  const keys = key.map((column) => column.name).join(', ');
  const of = (alias: string, some: readonly Column<Fact>[]) =>
    `(${some.map((column) => `${alias}.${column.name}`).join(', ')})`;
  const incoming = `
    SELECT * FROM unnest($3::timestamptz[], ${columns.map(({ type }, place) => `$${place + 4}::${type}[]`).join(', ')})
      WITH ORDINALITY AS i (published_at, ${names}, place)`;
  const age = 'coalesce(t.confirmed_at, t.published_at)';
  const differs = `${of('excluded', table.values)} IS DISTINCT FROM ${of('t', table.values)}`;
  const ifOther = (column: string, other: string, same = `t.${column}`) =>
    `${column} = CASE WHEN ${differs} THEN ${other} ELSE ${same} END`;
  const upsert = `
    WITH incoming AS (${incoming}
    ), touched AS (
      INSERT INTO ${name} AS t (${names}, published_at, recorded_at, ledger_id)
      SELECT ${names}, published_at, $2::timestamptz, $1::bigint FROM incoming
      ON CONFLICT (${keys}) DO UPDATE SET
        ${columns
          .slice(key.length)
          .map((column) => `${column.name} = excluded.${column.name}`)
          .join(', ')},
        ${ifOther('revision', 't.revision + 1')},
        ${ifOther('recorded_at', 'excluded.recorded_at')},
        ${ifOther('ledger_id', 'excluded.ledger_id')},
        ${ifOther('published_at', 'excluded.published_at')},
        ${ifOther('confirmed_at', 'NULL', 'excluded.published_at')}
      WHERE excluded.published_at > ${age} OR (excluded.published_at = ${age} AND ${differs})
      RETURNING ${keys}, revision, ledger_id
    )
    SELECT i.place::int AS place, touched.revision FROM touched JOIN incoming AS i USING (${keys})
    WHERE touched.ledger_id = $1`;
  const keepLate = `
    INSERT INTO ${name}_revision (${names}, published_at, recorded_at, ledger_id, revision, superseded_at)
    SELECT ${of('i', columns).slice(1, -1)}, i.published_at, $2::timestamptz, $1::bigint, 0, $2::timestamptz
    FROM (${incoming}) AS i JOIN ${name} AS t USING (${keys})
    WHERE i.published_at < ${age} AND ${of('i', table.values)} IS DISTINCT FROM ${of('t', table.values)}
      AND NOT EXISTS (
        SELECT FROM ${name}_revision AS said
        WHERE ${of('said', key)} = ${of('i', key)} AND said.published_at <= i.published_at
          AND ${of('said', table.values)} IS NOT DISTINCT FROM ${of('i', table.values)})
    ON CONFLICT DO NOTHING`;
  return { upsert, keepLate };
}
