import { type GraphQLField, type GraphQLSchema, isObjectType } from 'graphql';
import { BusbarError } from '../domain/errors.ts';

/** Postgres holds neither in its text: a NUL character and half of a surrogate pair. No name or reason has them. */
const UNSTORABLE = /[\0\p{Cs}]/u;

/**
 * Makes every field refuse text arguments that the store could not take, wherever in its arguments they stand: asked with
 * them, Postgres would answer with an error that looks like one of ours.
 */
export function refusingUnstorableText(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) if (field.args.length > 0) guard(field);
  }
  return schema;
}

/** A subscription's arguments are the same at each event, and looked at once. */
function guard(field: GraphQLField<unknown, unknown>): void {
  const { resolve, subscribe } = field;
  if (subscribe) {
    field.subscribe = (source, args, context, info) => {
      requireStorable(args);
      return subscribe(source, args, context, info);
    };
  } else if (resolve) {
    field.resolve = (source, args, context, info) => {
      requireStorable(args);
      return resolve(source, args, context, info);
    };
  }
}

function requireStorable(args: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(args)) {
    if (holdsUnstorable(value)) {
      throw new BusbarError('BAD_USER_INPUT', `\`${name}\` holds a NUL character or half of a surrogate pair`);
    }
  }
}

/** Whether there is such text in a value of JSON's shape. */
export function holdsUnstorable(value: unknown): boolean {
  if (typeof value === 'string') return UNSTORABLE.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(holdsUnstorable);
}
