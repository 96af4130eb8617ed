import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { type AddressList, plainAddress } from '../../runtime/address-list.ts';

/** From where a request came, as far as it can be known. */
export interface Sender {
  /** IP address of the client; of the last proxy where it is not trusted to say. */
  readonly address: string;
  /** Whether that is the client's own: not where a trusted proxy does not say for whom it asks, or not so that it can be read. */
  readonly isClients: boolean;
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
  const own = { address, isClients: true, host: headers.host, isSecure: 'encrypted' in socket };
  if (!proxies.has(address)) return own;
  const protocol = lastOf(headers['x-forwarded-proto']);
  return {
    ...clientBehind(listOf(headers['x-forwarded-for']), proxies, address),
    host: lastOf(headers['x-forwarded-host']) ?? headers.host,
    isSecure: protocol === undefined ? own.isSecure : protocol === 'https',
  };
}

function clientBehind(
  passedOn: readonly string[],
  proxies: AddressList,
  proxy: string,
): Pick<Sender, 'address' | 'isClients'> {
  let nearest = proxy;
  for (const each of passedOn.toReversed()) {
    const address = addressIn(each);
    if (address === undefined) break;
    if (!proxies.has(address)) return { address, isClients: true };
    nearest = address;
  }
  // A proxy that asks for itself cannot be told from one that does not say for whom.
  return { address: nearest, isClients: false };
}

/** Some proxies write the port too, and IPv6 in brackets. */
function addressIn(text: string): string | undefined {
  const [, bracketed, dotted] = /^(?:\[(.*)\]|([\d.]+))(?::\d+)?$/.exec(text) ?? [];
  const address = plainAddress(bracketed ?? dotted ?? text);
  return isIP(address) === 0 ? undefined : address;
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
