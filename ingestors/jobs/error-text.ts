import { messageOf } from '../../domain/errors.ts';

/** An error for the ledger. Postgres text cannot hold a NUL, and an error may quote a hostile answer. */
export function errorText(error: unknown): string {
  return messageOf(error).replaceAll('\0', '\u2400').slice(0, 2_000);
}
