import { BlockList, isIP } from 'node:net';

const NAMED: Readonly<Record<string, readonly string[]>> = {
  loopback: ['127.0.0.0/8', '::1'],
  private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
};

/** Which addresses something holds for: `loopback`, `private`, and IP addresses and networks (`10.1.0.0/16`). */
export class AddressList {
  readonly #entries: readonly string[];
  readonly #list = new BlockList();

  /** @throws RangeError that names the entry that is none. */
  constructor(entries: readonly string[]) {
    this.#entries = entries;
    for (const entry of entries) for (const network of NAMED[entry] ?? [entry]) this.#add(network);
  }

  has(address: string): boolean {
    // Mostly there are none, and this is asked with each request.
    if (this.#entries.length === 0) return false;
    const plain = plainAddress(address);
    const family = isIP(plain);
    return family !== 0 && this.#list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
  }

  toString(): string {
    return this.#entries.join();
  }

  #add(network: string): void {
    const [address = '', bits, ...rest] = network.split('/');
    const family = isIP(address);
    const bitsMax = family === 4 ? 32 : 128;
    const prefix = bits === undefined ? bitsMax : Number(bits);
    const isSound = family !== 0 && rest.length === 0 && bits !== '' && Number.isInteger(prefix);
    if (!isSound || prefix < 0 || prefix > bitsMax)
      throw new RangeError(`${network} is neither an address nor a network`);
    this.#list.addSubnet(address, prefix, family === 4 ? 'ipv4' : 'ipv6');
  }
}

/** An IPv4 address as itself, where a socket of both families reports it as `::ffff:192.0.2.1`. */
export function plainAddress(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
