import { z } from 'zod';
import { type Rights, ROLES } from '../../domain/rights.ts';
import { refusal } from './refusal.ts';

const IDS_MAX = 1_000;

/** `"*"` is all, also what is still to come. What is not said is none: a forgotten line gives nothing away. */
const SCOPE = z
  .union([z.literal('*').transform(() => 'ALL' as const), z.array(z.string().min(1)).max(IDS_MAX)])
  .default([]);

const CLAIM = z.object({
  roles: z.array(z.string().toUpperCase().pipe(z.enum(ROLES))).default([]),
  markets: SCOPE,
  feeds: SCOPE,
  accounts: SCOPE,
});

/**
 * The rights that a token's claim gives: `{"roles": ["trader"], "markets": ["PJM"], "feeds": "*", "accounts": ["DESK-EAST"]}`.
 * A token without it is somebody, and has none.
 * @throws BusbarError `UNAUTHENTICATED` where the claim is something else.
 */
export function rightsFromClaim(claim: unknown, name: string): Rights {
  const parsed = CLAIM.safeParse(claim ?? {});
  if (parsed.success) return parsed.data;
  throw refusal(`the token's claim \`${name}\` does not say rights as Busbar reads them`, parsed.error);
}
