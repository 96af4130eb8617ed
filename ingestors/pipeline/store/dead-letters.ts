import type pg from 'pg';
import type { Reject } from '../../feed.ts';
import type { Claim } from './positions.ts';

export interface DeadLetter extends Reject {
  /** The record's offset in the log; undefined for a part of a fetched payload. */
  readonly position: number | undefined;
}

/** Keeps what could not become a fact, raw bytes included, in the transaction that moves past it. */
export async function keepDeadLetters(
  client: pg.ClientBase,
  claim: Claim,
  ledgerId: number,
  letters: readonly DeadLetter[],
  receivedAt: number,
): Promise<void> {
  if (letters.length === 0) return;
  await client.query({
    name: 'keep-dead-letters',
    text: `INSERT INTO dead_letter (feed_id, partition, ledger_id, received_at, position, code, reason, raw)
           SELECT $1, $2, $3, to_timestamp($4::float8 / 1000.0), *
           FROM unnest($5::bigint[], $6::text[], $7::text[], $8::bytea[])`,
    values: [
      claim.feed,
      claim.partition,
      ledgerId,
      receivedAt,
      letters.map((letter) => letter.position ?? null),
      letters.map((letter) => letter.code),
      // Postgres text cannot hold a NUL, and a reason may quote a hostile record.
      letters.map((letter) => letter.reason.replaceAll('\0', '\u2400').slice(0, 2_000)),
      letters.map((letter) => letter.raw),
    ],
  });
}
