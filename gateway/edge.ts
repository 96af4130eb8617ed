import type { CoreConfig } from '../runtime/config.ts';
import type { GatewayOptions } from './server.ts';

/** How a gateway meets the network, as it is configured. @param isOpen whether it asks nobody who they are. */
export function edgeFrom(
  config: CoreConfig,
  isOpen: boolean,
): Pick<GatewayOptions, 'front' | 'httpLimits' | 'socketLimits' | 'tls'> {
  const { TLS_CERT: cert, TLS_KEY: key, HOSTS_ALLOWED: named, HOST: host } = config;
  return {
    front: {
      // Pages have no credential that would come along by itself; where none is asked for, our names are what keeps them out.
      hosts: isOpen ? [host, ...(named ?? [])] : named,
      origins: config.CORS_ORIGINS,
      proxies: config.TRUST_PROXY,
      insiders: config.OPERATIONS_FROM,
    },
    httpLimits: { connectionsMax: config.CONNECTIONS_MAX, requestMs: config.REQUEST_SECONDS * 1_000 },
    socketLimits: {
      socketsMax: config.SOCKETS_MAX,
      perIdentityMax: config.SOCKETS_PER_IDENTITY,
      operationsMax: config.SUBSCRIPTIONS_PER_SOCKET,
      messageBytesMax: config.SOCKET_MESSAGE_BYTES,
      initMs: config.SOCKET_INIT_SECONDS * 1_000,
      pingMs: config.SOCKET_PING_SECONDS * 1_000,
      warningMs: config.SESSION_WARNING_SECONDS * 1_000,
    },
    ...(cert !== undefined && key !== undefined && { tls: { cert, key } }),
  };
}
