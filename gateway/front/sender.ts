import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type AddressList, plainAddress } from '../../runtime/address-list.ts';

/** From where a request came, as far as it can be known. */
export interface Sender {
  /** IP address of the client; of the last proxy where it is not trusted to say. */
  readonly address: string;
  /** The name the client called us by; undefined where it did not say. */
  readonly host: string | undefined;
  /** Whether the client's own connection is TLS. */
  readonly isSecure: boolean;
}

/**
 * Anybody can write `X-Forwarded-For`: only what trusted proxies have added is believed, which is the end of the list. The first address
 * from there that is none of theirs is the client's.
 */
export function senderOf(request: IncomingMessage, proxies: AddressList): Sender {
  const { headers, socket } = request;
  const address = plainAddress(socket.remoteAddress ?? '');
  const own = { address, host: headers.host, isSecure: 'encrypted' in socket };
  if (!proxies.has(address)) return own;
  const protocol = lastOf(headers['x-forwarded-proto']);
  return {
    address: clientBehind(listOf(headers['x-forwarded-for']), proxies) ?? address,
    host: lastOf(headers['x-forwarded-host']) ?? headers.host,
    isSecure: protocol === undefined ? own.isSecure : protocol === 'https',
  };
}

function clientBehind(passedOn: readonly string[], proxies: AddressList): string | undefined {
  let nearest: string | undefined;
  for (const each of passedOn.toReversed()) {
    const address = plainAddress(each);
    if (isIP(address) === 0) return nearest;
    nearest = address;
    if (!proxies.has(address)) return nearest;
  }
  return nearest;
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return listOf(header).at(-1);
}

function listOf(header: string | string[] | undefined): string[] {
  return [header ?? []]
    .flat()
    .flatMap((each) => each.split(','))
    .map((each) => each.trim())
    .filter(Boolean);
}
