import pg from 'pg';
import { z } from 'zod';
import { isBusbarError } from '../../domain/errors.ts';
import { reachable } from '../../prisma/transaction.ts';

/**
 * How often a plan or a chunk is tried. The queue pauses for e, e², … e¹⁰ seconds in between, so that an outage of half a day
 * is lived through. The queue itself would try more often: one that gives up by itself tells nobody.
 */
export const TRIES_MAX = 12;

/** Whether the queue is to try again what failed so often, the last time with this error. */
export async function isWorthAnotherTry(error: unknown, tries: number): Promise<boolean> {
  return tries < TRIES_MAX && (await mayPass(error));
}

/**
 * Whether the same thing can succeed later: a source or a service was away, was throttling or lost a race. Not where the
 * request, the data or our own code is at fault.
 */
async function mayPass(error: unknown): Promise<boolean> {
  if (isBusbarError(error)) return error.retriable;
  if (error instanceof pg.DatabaseError) {
    const judged: unknown = await reachable(() => Promise.reject(error)).catch((reason) => reason);
    return isBusbarError(judged) && judged.retriable;
  }
  // A connection that breaks is a plain Error.
  return error instanceof Error && !MISTAKES.some((mistake) => error instanceof mistake);
}

const MISTAKES = [TypeError, RangeError, ReferenceError, SyntaxError, z.ZodError];
