import { randomBytes } from 'node:crypto';
import { BusbarError } from '../../domain/errors.ts';

/**
 * A cursor is `<incarnation>-<place>`; clients treat it as opaque.
 *
 * The incarnation names one life of the stream: a process of the ring, the data of a Redis. A stream that was wiped
 * begins anew under another one, so that an old cursor is told `CURSOR_EXPIRED` instead of being taken for a place in a
 * stream it never belonged to.
 */
export interface Cursor {
  readonly incarnation: string;
  /** Where in the stream, in the words of the bus that keeps it. */
  readonly place: string;
}

const CURSOR = /^([0-9a-f]{12})-(.+)$/;

export function newIncarnation(): string {
  return randomBytes(6).toString('hex');
}

/**
 * @param place what a place looks like on this bus.
 * @throws BusbarError `BAD_USER_INPUT` where the text is no cursor of this bus.
 */
export function parseCursor(text: string, place: RegExp): Cursor {
  const [, incarnation, found] = CURSOR.exec(text) ?? [];
  if (incarnation === undefined || found === undefined || !place.test(found)) {
    throw new BusbarError('BAD_USER_INPUT', 'the cursor is not one this stream has given out');
  }
  return { incarnation, place: found };
}

export function cursorExpired(cursor: string): BusbarError {
  return new BusbarError(
    'CURSOR_EXPIRED',
    'what came after the cursor is no longer kept: read the present state and subscribe without a cursor',
    { details: { cursor } },
  );
}
