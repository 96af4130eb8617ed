import { AddressList } from './address-list.ts';

const LOOPBACK = new AddressList(['loopback']);

/** Whether only programs of this machine reach what listens there. @param host a name or an address, as in a URL too. */
export function isLoopback(host: string): boolean {
  return host.toLowerCase() === 'localhost' || LOOPBACK.has(host.replace(/^\[(.*)\]$/, '$1'));
}

/** Whether nobody on the way can answer in the place of who is asked there. */
export function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}
