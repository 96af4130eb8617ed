import type { AuthFailure } from '@pothos/plugin-scope-auth';
import type { GraphQLField, GraphQLResolveInfo } from 'graphql';
import { z } from 'zod';
import { BusbarError } from '../domain/errors.ts';
import { PERMISSIONS, type Permission } from '../domain/rights.ts';
import type { Context } from './context.ts';

/** Of fields of prices and reference data that can be asked for what was known earlier. */
export function asOfScopes(_root: object, { asOf }: { readonly asOf?: number | null | undefined }) {
  return { may: asOf == null ? ('PRICES' as const) : ('ANALYSIS' as const) };
}

/** What a field says of itself where it was built. */
const DECLARED = z.object({ pothosOptions: z.object({ authScopes: z.unknown().optional() }) });
const SCOPES = z.object({ may: z.enum(Object.keys(PERMISSIONS) as Permission[]) });

/**
 * What it takes to ask for a field of a root with these arguments.
 * @returns undefined where it does not say.
 */
export function permissionFor(
  field: Pick<GraphQLField<unknown, Context>, 'extensions'>,
  args: Readonly<Record<string, unknown>> = {},
): Permission | undefined {
  const { authScopes } = DECLARED.safeParse(field.extensions).data?.pothosOptions ?? {};
  const scopes: unknown = typeof authScopes === 'function' ? authScopes({}, args) : authScopes;
  return SCOPES.safeParse(scopes).data?.may;
}

/** Where in the schema somebody was refused. */
type Place = Pick<GraphQLResolveInfo, 'fieldName' | 'parentType'>;

/** `positions needs DESK`. */
export function deniedField(place: Place, failure: AuthFailure): BusbarError {
  return denied(place, permissionIn(failure));
}

export function denied({ fieldName, parentType }: Place, permission: string): BusbarError {
  const isRoot = ROOTS.has(parentType.name);
  return new BusbarError('FORBIDDEN', `${isRoot ? '' : `${parentType.name}.`}${fieldName} needs ${permission}`);
}

const ROOTS: ReadonlySet<string> = new Set(['Query', 'Mutation', 'Subscription']);

function permissionIn(failure: AuthFailure): string {
  if ('failures' in failure) return failure.failures.map(permissionIn).join(' and ');
  return 'parameter' in failure ? String(failure.parameter) : 'more than you may';
}
