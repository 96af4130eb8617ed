import type { Rights, Role } from '../../../domain/rights.ts';
import type { Identity } from '../../../gateway/auth/identity.ts';
import { authenticatorOf, identityWith, type TestAuthenticator } from '../auth.ts';

const WEST: Omit<Rights, 'roles'> = {
  markets: ['PJM', 'CKW'],
  feeds: ['pjm-lmp', 'ckw-tariffs', 'trades'],
  accounts: ['alpha'],
};
const EAST: Omit<Rights, 'roles'> = { markets: ['CAISO'], feeds: ['caiso-lmp'], accounts: ['beta'] };
const EVERYTHING: Omit<Rights, 'roles'> = { markets: 'ALL', feeds: 'ALL', accounts: 'ALL' };
const NOTHING: Omit<Rights, 'roles'> = { markets: [], feeds: [], accounts: [] };

/** Each role over everything and over a part; a trader of another part, and one of nothing. */
export const PEOPLE = {
  viewer: { roles: ['VIEWER'], ...EVERYTHING },
  analyst: { roles: ['ANALYST'], ...EVERYTHING },
  trader: { roles: ['TRADER'], ...EVERYTHING },
  operator: { roles: ['OPERATOR'], ...EVERYTHING },
  admin: { roles: ['ADMIN'], ...EVERYTHING },
  someViewer: { roles: ['VIEWER'], ...WEST },
  someAnalyst: { roles: ['ANALYST'], ...WEST },
  someTrader: { roles: ['TRADER'], ...WEST },
  someOperator: { roles: ['OPERATOR'], ...WEST },
  someAdmin: { roles: ['ADMIN'], ...WEST },
  otherTrader: { roles: ['TRADER'], ...EAST },
  nobodysTrader: { roles: ['TRADER'], ...NOTHING },
  nobody: { roles: [], ...EVERYTHING },
} as const satisfies Readonly<Record<string, Rights & { roles: readonly Role[] }>>;

export type Person = keyof typeof PEOPLE;

/** Each comes by their name: `authorization: Bearer someTrader`. */
export function peopleAuthenticator(more: Readonly<Record<string, Identity>> = {}): TestAuthenticator {
  const known = Object.entries(PEOPLE).map(([name, rights]) => [
    name,
    identityWith(rights, { subject: `key:${name}` }),
  ]);
  return authenticatorOf({ ...Object.fromEntries(known), ...more });
}
