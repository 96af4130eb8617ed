/**
 * The hash that gives a key its partition: 32-bit FNV-1a over the key's bytes, then the finalizer of MurmurHash3, as
 * FNV alone leaves the low bits, which choose the partition, poorly mixed. It is part of the stored format: a change
 * would tear keys apart. Kafka's clients hash otherwise (murmur2), so that a key's partition there may differ.
 * @returns an integer in `[0, 2^32)`.
 */
export function keyHash(key: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
