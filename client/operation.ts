/**
 * What codegen makes of an operation: its text and, in its type only, the shapes of its result and its variables.
 * A plain string is an operation too; its result is unknown.
 */
export interface Operation<Result, Variables> {
  toString(): string;
  __apiType?: (variables: Variables) => Result;
}

/** The arguments behind an operation: variables may be left out where none is required. */
export type Given<Variables, Options> =
  Record<never, never> extends Variables
    ? [variables?: Variables, options?: Options]
    : [variables: Variables, options?: Options];
