import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { promisify } from 'node:util';
import { brotliDecompress } from 'node:zlib';
import { codingFor, compress, isWorthwhile } from '../encoding/compression.ts';
import type { Coding } from '../encoding/preferences.ts';

/** Of one answer, written out: far more than the limits of queries allow. */
const BYTES_MAX = 256 * 1024 * 1024;

/** A finished answer, compressed at most once in each way however often it is sent. */
export class Answer {
  #hash: string | undefined;
  readonly #plain: Buffer;
  readonly #compressed = new Map<Coding, Promise<Buffer>>();
  #bytes: number;
  #grown: () => void = () => undefined;

  constructor(plain: Buffer) {
    this.#plain = plain;
    this.#bytes = plain.length;
  }

  /** SHA-256 of what is in it, base64url. */
  get hash(): string {
    this.#hash ??= createHash('sha256').update(this.#plain).digest('base64url');
    return this.#hash;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Tells who keeps it that it takes more memory than before, since it was compressed. */
  onGrown(grown: () => void): void {
    this.#grown = grown;
  }

  /** How it is best sent to who asks so; undefined: as it is. */
  codingFor(headers: IncomingHttpHeaders): Coding | undefined {
    return codingFor(this.#plain.length, headers);
  }

  async in(coding: Coding | undefined): Promise<Buffer> {
    if (coding === undefined) return this.#plain;
    const known = this.#compressed.get(coding);
    if (known) return known;
    const coming = compress(this.#plain, coding);
    this.#compressed.set(coding, coming);
    const compressed = await coming;
    this.#bytes += compressed.length;
    this.#grown();
    return compressed;
  }

  /** As it is kept elsewhere: a letter for the coding, then the bytes. */
  async packed(): Promise<Buffer> {
    const coding = isWorthwhile(this.#plain.length) ? 'br' : undefined;
    return Buffer.concat([Buffer.from(coding ? 'b' : 'p'), await this.in(coding)]);
  }

  /** @throws Error where it is not what `packed` made. */
  static async unpacked(packed: Buffer): Promise<Answer> {
    const bytes = packed.subarray(1);
    const form = packed.toString('latin1', 0, 1);
    if (form === 'p') return new Answer(bytes);
    if (form !== 'b') throw new TypeError('not a packed answer');
    const answer = new Answer(await promisify(brotliDecompress)(bytes, { maxOutputLength: BYTES_MAX }));
    answer.#compressed.set('br', Promise.resolve(bytes));
    answer.#bytes += bytes.length;
    return answer;
  }
}
