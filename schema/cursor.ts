import { z } from 'zod';
import { BusbarError } from '../domain/errors.ts';
import { holdsUnstorable } from './storable-text.ts';

/**
 * A position in an ordered list as opaque text: base64url of a JSON list that begins with the list's name, so that a
 * cursor of one list is not taken for a place in another.
 */
export interface CursorCodec<Position> {
  encode(position: Position): string;
  /** @throws BusbarError `BAD_USER_INPUT` where the text is no cursor of this list. */
  decode(text: string): Position;
}

export function cursorCodec<Position>(list: string, shape: z.ZodType<Position>): CursorCodec<Position> {
  const envelope = z.tuple([z.literal(list), shape]);
  return {
    encode: (position) => Buffer.from(JSON.stringify([list, position])).toString('base64url'),
    decode: (text) => {
      const parsed = envelope.safeParse(jsonFrom(Buffer.from(text, 'base64url').toString()));
      if (!parsed.success || holdsUnstorable(parsed.data[1]))
        throw new BusbarError('BAD_USER_INPUT', '`after` is not a cursor of this list');
      return parsed.data[1];
    },
  };
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
