import { ALL_RIGHTS, type Rights } from '../../domain/rights.ts';

/** Who asks, as far as a credential proved it. */
export interface Identity {
  /** `key:<prefix>`, `oidc:<sub>`, `open` or `visitor`: what limits are counted by, and what the audit log names. */
  readonly subject: string;
  /** The same of an API key and of all that it was rotated into, so that one may take over from another; undefined: the subject. */
  readonly holder?: string;
  /** For people. */
  readonly name: string;
  readonly rights: Rights;
  /** When the credential ends by itself, milliseconds UTC; undefined: it does not. */
  readonly expiresAt: number | undefined;
}

/** Everyone, where the gateway is open. */
export const OPEN_IDENTITY: Identity = {
  subject: 'open',
  name: 'anonymous',
  rights: ALL_RIGHTS,
  expiresAt: undefined,
};

/** A browser that opens the page in which a credential is to be entered: it is shown the page, and nothing else. */
export const VISITOR: Identity = {
  subject: 'visitor',
  name: 'visitor',
  rights: { roles: [], markets: [], feeds: [], accounts: [] },
  expiresAt: undefined,
};
