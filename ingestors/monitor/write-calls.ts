import type { SourceCall } from '../../domain/source-call.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { reachable } from '../../prisma/transaction.ts';

export interface NumberedCall extends SourceCall {
  /** Unique within the process. */
  readonly seq: number;
}

/** A page of HTML in the place of an answer is no error message. */
const ERROR_LENGTH_MAX = 500;
const NAME_LENGTH_MAX = 200;

const WRITE = `
  INSERT INTO api_health_logs (called_at, process, seq, source, endpoint, outcome, status, latency_ms, bytes, error)
  SELECT called_at, $1, seq, source, endpoint, outcome, status, latency_ms, bytes, error
  FROM unnest($2::timestamptz[], $3::int8[], $4::text[], $5::text[], $6::call_outcome[], $7::int2[], $8::float8[], $9::int8[],
              $10::text[]) AS t(called_at, seq, source, endpoint, outcome, status, latency_ms, bytes, error)
  ON CONFLICT DO NOTHING`;

/**
 * Writes calls in one statement; one that is there already stays as it is.
 * @throws BusbarError `UNAVAILABLE` where the store is away; what the store says of calls it cannot hold.
 */
export async function writeCalls(db: Queryable, process: string, calls: readonly NumberedCall[]): Promise<void> {
  const values = [
    process,
    calls.map(({ at }) => new Date(at)),
    calls.map(({ seq }) => seq),
    calls.map(({ source }) => storable(source, NAME_LENGTH_MAX)),
    calls.map(({ endpoint }) => storable(endpoint, NAME_LENGTH_MAX)),
    calls.map(({ outcome }) => outcome),
    calls.map(({ status }) => status ?? null),
    calls.map(({ latencyMs }) => latencyMs),
    calls.map(({ bytes }) => bytes),
    calls.map(({ error }) => (error === undefined ? null : storable(error, ERROR_LENGTH_MAX))),
  ];
  await reachable(() => db.query({ name: 'write-calls', text: WRITE, values }));
}

/** Text of others as Postgres can hold it: no NUL, no half of a character. */
function storable(text: string, lengthMax: number): string {
  return Buffer.from(text.slice(0, lengthMax).replaceAll('\0', '\u2400')).toString();
}
