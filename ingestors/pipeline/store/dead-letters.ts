import { createHash } from 'node:crypto';
import type pg from 'pg';
import { instantOrNull } from '../../../domain/instant.ts';
import { chunkPartition } from '../../../prisma/operations/partitions.ts';
import type { Queryable } from '../../../prisma/queryable.ts';
import type { Reject } from '../../feed.ts';
import type { Version } from '../validate.ts';
import type { Claim } from './positions.ts';

/** What the bytes of a dead letter are: a payload, to be decoded, or one fact as JSON that was decoded and refused. */
export type DeadLetterForm = 'PAYLOAD' | 'FACT';

export interface DeadLetter extends Reject, Version {
  readonly form: DeadLetterForm;
  /** What the payload is called, for its decoder. */
  readonly name: string;
  /** The record's offset in the log; undefined for a part of a fetched payload. */
  readonly position: number | undefined;
  /** The entry that brought the payload before, on which its letters hang whoever finds them: it is looked up there by the next. */
  readonly origin: number | undefined;
  /** The dead letter that was tried again, and failed again. */
  readonly again: number | undefined;
}

/** Keeps what could not become a fact, raw bytes included, in the transaction that moves past it. */
export async function keepDeadLetters(
  client: Queryable,
  claim: Claim,
  ledgerId: number,
  letters: readonly DeadLetter[],
  receivedAt: number,
): Promise<void> {
  const fresh = letters.filter(({ again }) => again === undefined);
  const failedAgain = letters.filter(({ again }) => again !== undefined);
  await Promise.all([
    fresh.length > 0 && insertLetters(client, claim, ledgerId, fresh, receivedAt),
    failedAgain.length > 0 && keepOpen(client, failedAgain),
  ]);
}

/** Dead letters of which everything became facts now. */
export async function resolveDeadLetters(client: Queryable, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await client.query({
    name: 'resolve-dead-letters',
    text: `UPDATE dead_letter SET state = 'RETRIED', retries = retries + 1, resolved_at = clock_timestamp()
           WHERE id = ANY($1::bigint[]) AND state = 'OPEN'`,
    values: [ids],
  });
}

async function insertLetters(
  client: Queryable,
  claim: Claim,
  ledgerId: number,
  letters: readonly DeadLetter[],
  receivedAt: number,
): Promise<void> {
  await client.query({
    name: 'keep-dead-letters',
    text: `INSERT INTO dead_letter (feed_id, partition, ledger_id, received_at, position, code, reason, raw, form, name,
             published_at, published_seq)
           SELECT $1, $2, coalesce((SELECT id FROM ledger_entry e WHERE e.id = t.origin), $3),
                  to_timestamp($4::float8 / 1000.0), position, code, reason, raw, form, name,
                  to_timestamp(published_at / 1000.0), published_seq
           FROM unnest($5::bigint[], $6::text[], $7::text[], $8::bytea[], $9::dead_letter_form[], $10::text[], $11::float8[],
                       $12::bigint[], $13::bigint[])
                AS t(position, code, reason, raw, form, name, published_at, published_seq, origin)`,
    values: [
      claim.feed,
      claim.partition,
      ledgerId,
      receivedAt,
      letters.map((letter) => letter.position ?? null),
      letters.map((letter) => letter.code),
      letters.map(reasonText),
      letters.map((letter) => letter.raw),
      letters.map((letter) => letter.form),
      letters.map((letter) => letter.name),
      // Null counts as published when it was received.
      letters.map((letter) => instantOrNull(letter.publishedAt)),
      letters.map((letter) => letter.publishedSeq),
      letters.map((letter) => letter.origin ?? null),
    ],
  });
}

/** A record that gives several facts can fail in several ways: the first reason stands for all. */
async function keepOpen(client: Queryable, letters: readonly DeadLetter[]): Promise<void> {
  await client.query({
    name: 'keep-dead-letters-open',
    text: `UPDATE dead_letter d SET retries = retries + 1, code = t.code, reason = t.reason
           FROM (SELECT DISTINCT ON (id) id, code, reason
                 FROM unnest($1::bigint[], $2::text[], $3::text[]) WITH ORDINALITY AS t(id, code, reason, place)
                 ORDER BY id, place) AS t
           WHERE d.id = t.id AND d.state = 'OPEN'`,
    values: [letters.map((letter) => letter.again), letters.map((letter) => letter.code), letters.map(reasonText)],
  });
}

/** Postgres text cannot hold a NUL, and a reason may quote a hostile record. */
function reasonText({ reason }: DeadLetter): string {
  return reason.replaceAll('\0', '\u2400').slice(0, 2_000);
}

/** A dead letter that was left by what comes again now. */
export interface KnownLetter {
  readonly id: number;
  /** The entry it hangs on; null for a record of a log, which its offset tells. */
  readonly origin: number | null;
  readonly position: number | null;
  /** SHA-256 of its bytes. */
  readonly digest: Buffer;
}

/** What payloads left when they were decoded before: the letters of their entries. */
export async function lettersOfEntries(pool: pg.Pool, entries: readonly number[]): Promise<KnownLetter[]> {
  const { rows } = await pool.query<KnownLetter>({
    name: 'letters-of-entries',
    text: `SELECT id, ledger_id AS origin, position, sha256(raw) AS digest FROM dead_letter
           WHERE ledger_id = ANY($1::bigint[]) ORDER BY ${OPEN_FIRST}`,
    values: [entries],
  });
  return rows;
}

/** What records of a log partition left, at offsets in `[from, to)`. */
export async function lettersOfLog(
  pool: pg.Pool,
  { feed, partition }: Pick<Claim, 'feed' | 'partition'>,
  from: number,
  to: number,
): Promise<KnownLetter[]> {
  const { rows } = await pool.query<KnownLetter>({
    name: 'letters-of-log',
    text: `SELECT id, NULL::bigint AS origin, position, sha256(raw) AS digest FROM dead_letter
           WHERE feed_id = $1 AND partition = ANY($2) AND position >= $3 AND position < $4 ORDER BY ${OPEN_FIRST}`,
    values: [feed, [partition, chunkPartition('REPLAY', partition)], from, to],
  });
  return rows;
}

/** Of two that are alike, one that was given up is not the one to leave out. */
const OPEN_FIRST = `state = 'OPEN' DESC, id`;

/** Tells, by origin, place and bytes, which of the letters are there already; each of those is only one of them. */
export function recognised(letters: readonly DeadLetter[], known: readonly KnownLetter[]): DeadLetter[] {
  if (known.length === 0) return [...letters];
  const taken = new Set(letters.map(({ again }) => again));
  const free = new Map<string, number[]>();
  for (const { id, origin, position, digest } of known.toReversed()) {
    const place = placeOf(origin, position, digest);
    if (taken.has(id)) continue;
    const ids = free.get(place);
    if (ids) ids.push(id);
    else free.set(place, [id]);
  }
  return letters.map((letter) => {
    if (letter.again !== undefined) return letter;
    const place = placeOf(letter.origin ?? null, letter.position ?? null, digestOf(letter.raw));
    return { ...letter, again: free.get(place)?.pop() };
  });
}

function placeOf(origin: number | null, position: number | null, digest: Buffer): string {
  return `${origin}/${position}/${digest.toString('hex')}`;
}

function digestOf(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest();
}
