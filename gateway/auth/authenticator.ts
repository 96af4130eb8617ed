import type { BusbarError } from '../../domain/errors.ts';
import { type Identity, OPEN_IDENTITY } from './identity.ts';

/** Tells who shows a credential, and when it is no longer good. */
export interface Authenticator {
  /**
   * @param authorization as in the header: `Bearer <API key or token>`.
   * @throws BusbarError `UNAUTHENTICATED` with what is wrong, never with the credential; `UNAVAILABLE` where it cannot be known.
   */
  identify(authorization: string | undefined): Promise<Identity>;
  /**
   * @param ended called once, not when it expires: with `UNAUTHENTICATED` when the credential is revoked or its rights have changed,
   * within seconds; with `UNAVAILABLE` when it could not be checked for too long, though it may be good.
   * @param rescheduled called when it is to expire at another time than was said, as a key does that is rotated. Milliseconds UTC.
   * @returns stops watching.
   */
  watch(
    identity: Identity,
    ended: (error: BusbarError) => void,
    rescheduled?: (expiresAt: number | undefined) => void,
  ): () => void;
}

/** `AUTH=open`: nobody is asked. */
export const OPEN: Authenticator = {
  identify: async () => OPEN_IDENTITY,
  watch: () => () => undefined,
};
