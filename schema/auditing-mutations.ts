import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';
import { type ErrorCode, isBusbarError } from '../domain/errors.ts';
import type { Context } from './context.ts';

/**
 * Makes every mutation note what it refuses, whoever refuses it: a limit, a bad id, the store. What is done the operation
 * notes itself, in the transaction that does it; what is denied is noted with all other access that is, as often as it may come.
 */
export function auditingMutations(schema: GraphQLSchema): GraphQLSchema {
  for (const field of Object.values(schema.getMutationType()?.getFields() ?? {})) audit(field);
  return schema;
}

function audit(field: GraphQLField<unknown, Context>): void {
  const { resolve, extensions } = field;
  if (!resolve || extensions.changesNothing) return;
  field.resolve = async (source, args, context, info) => {
    try {
      return await resolve(source, args, context, info);
    } catch (error) {
      if (!(isBusbarError(error) && DENIALS.has(error.code))) {
        await context.operations.noteFailure(field.name, inputOf(field, args), error);
      }
      throw error;
    }
  };
}

/** Codes of what is not for whoever asks. */
export const DENIALS: ReadonlySet<unknown> = new Set<ErrorCode>(['FORBIDDEN', 'UNAUTHENTICATED']);

/** Extensions of a mutation that changes nothing in the store: what is denied of it is noted, and nothing else. */
export const NO_CHANGE = { changesNothing: true } as const;

/** Extensions of an argument that no log may have. */
export const SECRET = { secret: true } as const;

/** As the operations note theirs: a lone `input` by its fields. */
function inputOf(field: GraphQLField<unknown, Context>, args: Readonly<Record<string, unknown>>): object {
  const given = Object.fromEntries(
    field.args.map(({ name, type, extensions }) => [name, extensions.secret ? '[secret]' : sentFrom(args[name], type)]),
  );
  const { input, ...others } = given;
  return typeof input === 'object' && input !== null ? { ...input, ...others } : given;
}

/** What a client would write for an argument's value: an instant as ISO 8601 text, not as a number. */
function sentFrom(value: unknown, type: GraphQLInputType): unknown {
  if (value === null || value === undefined) return value;
  if (isNonNullType(type)) return sentFrom(value, type.ofType);
  if (isListType(type)) return Array.isArray(value) ? value.map((each) => sentFrom(each, type.ofType)) : value;
  if (!isInputObjectType(type)) return type.serialize(value);
  const fields = new Map(Object.entries(value));
  return Object.fromEntries(
    Object.values(type.getFields()).map(({ name, type: of }) => [name, sentFrom(fields.get(name), of)]),
  );
}
