import { BusbarError } from '../../domain/errors.ts';

/** @param reason what whoever asked may know of it: never whether a key or a person is known. */
export function refusal(reason: string, cause?: unknown): BusbarError {
  return new BusbarError('UNAUTHENTICATED', reason, { cause });
}
