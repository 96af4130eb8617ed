import {
  type DocumentNode,
  type ExecutionArgs,
  type FieldNode,
  getArgumentValues,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  print,
  type SelectionSetNode,
} from 'graphql';

/** What one has to know of a subscription to share it. */
export interface SubscriptionRequest {
  readonly field: string;
  /** The root field's arguments, defaults filled in. */
  readonly args: Readonly<Record<string, unknown>>;
  /** The same for two subscriptions whose every result is the same. */
  readonly key: string;
}

/**
 * @param rights what the subscriber may see; subscribers with different rights never share.
 * @returns undefined where the request is not sound; executing it says what is wrong with it.
 */
export function subscriptionRequest(args: ExecutionArgs, rights: string): SubscriptionRequest | undefined {
  const { schema, document, operationName, variableValues } = args;
  const operation = getOperationAST(document, operationName);
  const field = operation && rootField(document, operation.selectionSet);
  if (!operation || !field) return undefined;
  const definition = schema.getSubscriptionType()?.getFields()[field.name.value];
  const variables = variablesOf(args, operation);
  if (!definition || !variables) return undefined;
  try {
    return {
      field: field.name.value,
      args: getArgumentValues(definition, field, variables),
      key: JSON.stringify([rights, operationName ?? null, textOf(document), sorted(variableValues ?? {})]),
    };
  } catch {
    return undefined;
  }
}

function variablesOf({ schema, variableValues }: ExecutionArgs, { variableDefinitions = [] }: OperationDefinitionNode) {
  return getVariableValues(schema, variableDefinitions, { ...variableValues }).coerced;
}

/** Validation has made sure that there is one, at some depth of fragments. */
function rootField(document: DocumentNode, { selections }: SelectionSetNode): FieldNode | undefined {
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) return selection;
    const set =
      selection.kind === Kind.INLINE_FRAGMENT ? selection.selectionSet : fragment(document, selection.name.value);
    const found = set && rootField(document, set);
    if (found) return found;
  }
  return undefined;
}

function fragment(document: DocumentNode, name: string): SelectionSetNode | undefined {
  for (const each of document.definitions) {
    if (each.kind === Kind.FRAGMENT_DEFINITION && each.name.value === name) return each.selectionSet;
  }
  return undefined;
}

/** Parsed documents are cached by their text, so a popular one is printed once. */
const texts = new WeakMap<DocumentNode, string>();

function textOf(document: DocumentNode): string {
  const text = texts.get(document) ?? print(document);
  texts.set(document, text);
  return text;
}

/** Clients that name the same variables in another order mean the same. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, each]) => [name, sorted(each)]));
}
