import type { GraphQLField, GraphQLSchema } from 'graphql';
import { may } from '../domain/rights.ts';
import type { Context } from './context.ts';
import { denied, permissionFor } from './permissions.ts';

/**
 * Makes every subscription ask for its permission before its source is asked for anything. The plugin asks for it at one of both,
 * when somebody subscribes or at each event, and is left to do it at each event: rights may have changed since.
 */
export function guardingSubscriptions(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getSubscriptionType()?.getFields() ?? {})) guard(field);
  return schema;
}

function guard(field: GraphQLField<unknown, Context>): void {
  const { subscribe } = field;
  if (!subscribe) return;
  field.subscribe = (source, args, context, info) => {
    const permission = permissionFor(field, args);
    if (!permission || !may(context.rights, permission))
      throw denied(info, permission ?? 'a permission that it does not name');
    return subscribe(source, args, context, info);
  };
}
