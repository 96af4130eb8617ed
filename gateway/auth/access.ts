import { BusbarError } from '../../domain/errors.ts';
import type { CoreConfig } from '../../runtime/config.ts';
import { isLoopback } from '../../runtime/loopback.ts';

/** Whether whoever asks the gateway must say who they are. */
export type Access = 'open' | 'required';

/**
 * What `AUTH` says; where nothing does, open on the loopback, and nowhere else.
 * @throws BusbarError `CONFIG_INVALID` where a gateway that asks nobody would be reached by other machines.
 */
export function accessOf({
  AUTH: access,
  HOST: host,
  OIDC_ISSUER: issuer,
}: Pick<CoreConfig, 'AUTH' | 'HOST' | 'OIDC_ISSUER'>): Access {
  if (access === 'required') return access;
  if (!isLoopback(host)) throw new BusbarError('CONFIG_INVALID', beyondLoopback(host));
  if (issuer && access === undefined) {
    throw new BusbarError('CONFIG_INVALID', 'AUTH: set AUTH=required, without which OIDC_ISSUER would not be asked');
  }
  return 'open';
}

function beyondLoopback(host: string): string {
  return [
    `AUTH: the gateway would listen on ${host}, where other machines reach it, and ask nobody who they are.`,
    '  Set AUTH=required; npm run keys -- create --name me --role ADMIN --all makes the first API key.',
    '  Or leave HOST unset: it then listens on 127.0.0.1 only.',
  ].join('\n');
}
