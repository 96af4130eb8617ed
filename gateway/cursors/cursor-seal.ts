import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { BusbarError } from '../../domain/errors.ts';

/**
 * Cursors as clients have them: base64url of
 *
 *   key (4 bytes: which key signed) · signature (16 bytes) · place (the bus's own cursor)
 *
 * The signature is HMAC-SHA-256, truncated, over what the cursor is bound to and the place: field, filter and subject are not in the
 * text, and a cursor that is presented for others does not verify. Two cursors are equal where their places are, under one key.
 * Sealing takes some 10 µs, once an update for all who share it.
 */
export interface Seal {
  /** @param binding what the cursors are good for. */
  boundTo(binding: string): BoundSeal;
}

export interface BoundSeal {
  readonly seal: (place: string) => string;
  /** @throws BusbarError `BAD_USER_INPUT` where it was not sealed so, by a key that is known. */
  readonly open: (cursor: string) => string;
}

export type CursorKeys = {
  /** What signs. */
  readonly signing: Buffer;
  /** What verifies, the signing one among them. */
  readonly known: readonly Buffer[];
};

const KEY_BYTES = 4;
const SIGNATURE_BYTES = 16;
const HEAD_BYTES = KEY_BYTES + SIGNATURE_BYTES;

/** @param keys asked each time: keys come and go while the process lives. */
export function createSeal(keys: () => CursorKeys): Seal {
  return {
    boundTo: (binding) => ({
      seal(place) {
        const { signing } = keys();
        const head = Buffer.concat([keyName(signing), signature(signing, binding, place)]);
        return Buffer.concat([head, Buffer.from(place)]).toString('base64url');
      },
      open(cursor) {
        const bytes = Buffer.from(cursor, 'base64url');
        const place = bytes.subarray(HEAD_BYTES).toString();
        const name = bytes.subarray(0, KEY_BYTES);
        const key = keys().known.find((each) => keyName(each).equals(name));
        // Decoding passes over what is no base64url: only the very text that was given out will do.
        if (!key || bytes.toString('base64url') !== cursor || !isSigned(bytes, key, binding, place))
          throw notGivenOut();
        return place;
      },
    }),
  };
}

function isSigned(bytes: Buffer, key: Buffer, binding: string, place: string): boolean {
  const given = bytes.subarray(KEY_BYTES, HEAD_BYTES);
  return given.length === SIGNATURE_BYTES && timingSafeEqual(given, signature(key, binding, place));
}

function signature(key: Buffer, binding: string, place: string): Buffer {
  return createHmac('sha256', key).update(`${binding}\0${place}`).digest().subarray(0, SIGNATURE_BYTES);
}

const names = new WeakMap<Buffer, Buffer>();

/** Says nothing about the key but which it is. */
function keyName(key: Buffer): Buffer {
  const name = names.get(key) ?? createHash('sha256').update('cursor key').update(key).digest().subarray(0, KEY_BYTES);
  names.set(key, name);
  return name;
}

function notGivenOut(): BusbarError {
  return new BusbarError(
    'BAD_USER_INPUT',
    '`after` is not a cursor of this subscription: it was altered, or given out for another field, other arguments or another subscriber',
  );
}
