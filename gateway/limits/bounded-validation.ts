import { type DocumentNode, type GraphQLError, type GraphQLSchema, type ValidationRule, validate } from 'graphql';

/** Each of them is looked for in the text from its beginning, and made anew by every layer that it passes. */
const ERRORS_MAX = 10;
const NO_ERRORS: readonly GraphQLError[] = [];

export type BoundedValidation = (
  schema: GraphQLSchema,
  document: DocumentNode,
  rules?: readonly ValidationRule[],
) => readonly GraphQLError[];

/**
 * For one schema and its rules. A document that is sound is validated once, as long as it is kept. What is wrong with others is not
 * remembered: an error and its stack took 66 KiB, for a text of five characters.
 */
export function createBoundedValidation(): BoundedValidation {
  const sound = new WeakSet<DocumentNode>();
  return (schema, document, rules) => {
    if (sound.has(document)) return NO_ERRORS;
    const errors = validate(schema, document, rules, { maxErrors: ERRORS_MAX });
    if (errors.length === 0) sound.add(document);
    return errors;
  };
}
