import { createHash, randomBytes, randomInt } from 'node:crypto';

/**
 * An API key is `bb_<prefix>_<secret>`: `bb` so that scanners of repositories and logs find one, a prefix by which it is
 * named in lists and logs, and 32 random bytes. Of a random secret SHA-256 is enough: there are no likely ones to try.
 */
export interface ApiKeyText {
  readonly prefix: string;
  readonly secret: string;
}

/** Letters and digits that are not mistaken for each other. */
const PREFIX_ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789';
const PREFIX_LENGTH = 8;
const SECRET_BYTES = 32;
const KEY = /^bb_([a-z2-9]{8})_([A-Za-z0-9_-]{43})$/;

export function makeApiKey(): ApiKeyText {
  const letters = Array.from({ length: PREFIX_LENGTH }, () => PREFIX_ALPHABET[randomInt(PREFIX_ALPHABET.length)]);
  return { prefix: letters.join(''), secret: randomBytes(SECRET_BYTES).toString('base64url') };
}

/** As its holder sends it. */
export function apiKeyText({ prefix, secret }: ApiKeyText): string {
  return `bb_${prefix}_${secret}`;
}

/** @returns undefined for what is not written as a key. */
export function parseApiKey(text: string): ApiKeyText | undefined {
  const [, prefix, secret] = text.match(KEY) ?? [];
  return prefix === undefined || secret === undefined ? undefined : { prefix, secret };
}

/** Of the secret as text, so that no other text stands for the same key. */
export function hashOfSecret(secret: string): Buffer {
  return createHash('sha256').update(secret).digest();
}
