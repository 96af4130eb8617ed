import type { IncomingMessage, ServerResponse } from 'node:http';
import { AddressList } from '../../runtime/address-list.ts';
import { answerJson, directlyFrom } from '../../runtime/http-service.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { createHostCheck } from './host-check.ts';
import { isWelcome, letPagesRead } from './origins.ts';
import { setSecurityHeaders } from './security-headers.ts';
import { type Sender, senderOf } from './sender.ts';

/** What is done with every request before anybody asks who sent it. */
export interface Front {
  /**
   * Puts onto the answer what every answer says, and answers requests that lead no further: by a name that is not ours, from a page of
   * another origin, and the question whether a page may ask.
   * @returns whether it was answered.
   */
  answer(request: IncomingMessage, response: ServerResponse): boolean;
  /** Why a socket is not opened; undefined: it may be. */
  refusal(request: IncomingMessage): Refusal | undefined;
  senderOf(request: IncomingMessage): Sender;
  /** Whether its address alone says that it may see how the gateway does. */
  isInsider(request: IncomingMessage): boolean;
}

export interface Refusal {
  readonly reason: 'host' | 'origin';
  readonly status: number;
  readonly message: string;
}

export interface FrontSettings {
  /** Beside the names of the loopback; undefined: any. */
  readonly hosts: readonly string[] | undefined;
  /** Whose pages may ask beside our own. */
  readonly origins: readonly string[];
  readonly proxies: AddressList;
  readonly insiders: AddressList;
}

/** Open to this machine, under its own names. */
export const LOOPBACK_FRONT: FrontSettings = {
  hosts: [],
  origins: [],
  proxies: new AddressList([]),
  insiders: new AddressList(['loopback']),
};

export function createFront(settings: FrontSettings, metrics: Metrics): Front {
  const { proxies, insiders } = settings;
  const origins = new Set(settings.origins);
  const isOurName = createHostCheck(settings.hosts);
  const senders = new WeakMap<IncomingMessage, Sender>();
  const isDirectInsider = directlyFrom(insiders);

  const sender = (request: IncomingMessage) => {
    const known = senders.get(request) ?? senderOf(request, proxies);
    senders.set(request, known);
    return known;
  };
  const refusal = (request: IncomingMessage): Refusal | undefined => {
    const { host } = sender(request);
    if (!isOurName(host)) return STRANGE_HOST;
    return isWelcome(request, host, origins) ? undefined : STRANGE_ORIGIN;
  };

  return {
    refusal,
    senderOf: sender,
    isInsider(request) {
      const isPassedOn = proxies.has(request.socket.remoteAddress ?? '');
      if (!isPassedOn) return isDirectInsider(request);
      const { address, isClients } = sender(request);
      return isClients && insiders.has(address);
    },
    answer(request, response) {
      setSecurityHeaders(response, sender(request).isSecure);
      const refused = refusal(request);
      if (!refused) return letPagesRead(request, response, origins);
      metrics.requestsTurnedAway.inc({ reason: refused.reason });
      // The body is not read, so the connection cannot carry another request.
      response.setHeader('connection', 'close');
      answerJson(response, refused.status, { error: refused.message });
      return true;
    },
  };
}

const STRANGE_HOST: Refusal = {
  reason: 'host',
  status: 421,
  message: 'this gateway is not called so: HOSTS_ALLOWED names what it may be called',
};
const STRANGE_ORIGIN: Refusal = { reason: 'origin', status: 403, message: 'pages of other origins may not ask' };
