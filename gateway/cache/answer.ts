import { promisify } from 'node:util';
import { brotliCompress, brotliDecompress, constants, gzip } from 'node:zlib';

/** How the bytes of an answer are written down. */
export type Encoding = 'br' | 'gzip' | 'identity';

/** What is shorter fits a packet or two as it is. */
const COMPRESSED_BYTES_MIN = 2_048;
/** Of one answer, written out: far more than the limits of queries allow. */
const BYTES_MAX = 256 * 1024 * 1024;
/** The middle of what brotli can: a megabyte of prices to a fifth in 15 ms, where the best takes seconds. */
const BROTLI = {
  params: { [constants.BROTLI_PARAM_QUALITY]: 4, [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT },
};
const GZIP = { level: 4 };

/** A finished answer, compressed at most once in each way however often it is sent. */
export class Answer {
  /** Names what is in it; undefined where that is not known. */
  readonly tag: string | undefined;
  readonly #plain: Buffer;
  readonly #compressed = new Map<Encoding, Promise<Buffer>>();
  #bytes: number;

  constructor(plain: Buffer, tag?: string) {
    this.#plain = plain;
    this.#bytes = plain.length;
    this.tag = tag;
  }

  /** Memory that it takes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What of the encodings that are accepted it is best sent in. */
  encodingOf(accepted: ReadonlySet<Encoding>): Encoding {
    if (this.#plain.length < COMPRESSED_BYTES_MIN) return 'identity';
    return accepted.has('br') ? 'br' : accepted.has('gzip') ? 'gzip' : 'identity';
  }

  async in(encoding: Encoding): Promise<Buffer> {
    if (encoding === 'identity') return this.#plain;
    const known = this.#compressed.get(encoding);
    if (known) return known;
    const compressed = compress(this.#plain, encoding);
    this.#compressed.set(encoding, compressed);
    this.#bytes += (await compressed).length;
    return compressed;
  }

  /** As it is kept elsewhere: a letter for the encoding, then the bytes. */
  async packed(): Promise<Buffer> {
    const encoding = this.encodingOf(PACKED);
    return Buffer.concat([Buffer.from(encoding === 'br' ? 'b' : 'p'), await this.in(encoding)]);
  }

  /** @throws Error where it is not what `packed` made. */
  static async unpacked(packed: Buffer, tag: string): Promise<Answer> {
    const bytes = packed.subarray(1);
    const form = packed.toString('latin1', 0, 1);
    if (form === 'p') return new Answer(bytes, tag);
    if (form !== 'b') throw new TypeError('not a packed answer');
    const answer = new Answer(await promisify(brotliDecompress)(bytes, { maxOutputLength: BYTES_MAX }), tag);
    answer.#compressed.set('br', Promise.resolve(bytes));
    answer.#bytes += bytes.length;
    return answer;
  }
}

const PACKED: ReadonlySet<Encoding> = new Set(['br']);

function compress(plain: Buffer, encoding: 'br' | 'gzip'): Promise<Buffer> {
  return encoding === 'br' ? promisify(brotliCompress)(plain, BROTLI) : promisify(gzip)(plain, GZIP);
}
