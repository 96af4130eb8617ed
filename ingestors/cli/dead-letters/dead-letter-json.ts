import type { DeadLetterRow } from '../../../prisma/operations/dead-letters.ts';

/** A dead letter as `--json` has it: instants as ISO 8601 text. */
export function deadLetterJson({ size, ...letter }: DeadLetterRow): object {
  return {
    ...letter,
    bytes: size,
    publishedAt: dated(letter.publishedAt),
    receivedAt: dated(letter.receivedAt),
    resolvedAt: dated(letter.resolvedAt),
  };
}

/** For a table, or for JSON. */
export function dated(instantMs: number | null): Date | null {
  return instantMs === null ? null : new Date(instantMs);
}
