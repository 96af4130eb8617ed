import {
  type DirectiveNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';

/** A field of an answer: its key, and what is selected below it by all fields of that key. */
export interface Selected {
  readonly key: string;
  readonly name: string;
  readonly field: FieldNode;
  readonly sets: readonly SelectionSetNode[];
}

/** What a validated document selects, fragments and conditions resolved. */
export interface Selections {
  /**
   * The fields of an object in the order of the answer, as CollectFields of the GraphQL specification makes them.
   * @returns undefined where there is a fragment on an abstract type: the hot part of the schema has none.
   */
  of(sets: readonly SelectionSetNode[], type: string): readonly Selected[] | undefined;
}

/** The values of variables that decide what is selected. */
export type Conditions = Readonly<Record<string, boolean>>;

export function createSelections(document: DocumentNode, conditions: Conditions): Selections {
  const fragments = new Map(
    document.definitions
      .filter((each): each is FragmentDefinitionNode => each.kind === Kind.FRAGMENT_DEFINITION)
      .map((each) => [each.name.value, each]),
  );
  return {
    of(sets, type) {
      const fields = new Map<string, { name: string; field: FieldNode; sets: SelectionSetNode[] }>();
      const visited = new Set<string>();
      const collect = (set: SelectionSetNode): boolean =>
        set.selections.every((selection) => !isIncluded(selection, conditions) || collectOne(selection));
      const collectOne = (selection: SelectionNode): boolean => {
        if (selection.kind === Kind.FIELD) {
          const key = selection.alias?.value ?? selection.name.value;
          const known = fields.get(key) ?? { name: selection.name.value, field: selection, sets: [] };
          if (selection.selectionSet) known.sets.push(selection.selectionSet);
          fields.set(key, known);
          return true;
        }
        if (selection.kind === Kind.INLINE_FRAGMENT) {
          const on = selection.typeCondition?.name.value ?? type;
          return on === type && collect(selection.selectionSet);
        }
        const fragment = fragments.get(selection.name.value);
        if (fragment?.typeCondition.name.value !== type) return false;
        if (visited.has(selection.name.value)) return true;
        visited.add(selection.name.value);
        return collect(fragment.selectionSet);
      };
      if (!sets.every(collect)) return undefined;
      return [...fields].map(([key, found]) => ({ key, ...found }));
    },
  };
}

/** Names of the variables that `@skip` and `@include` of a document look at. */
export function conditionNames(document: DocumentNode): string[] {
  const names = new Set<string>();
  visit(document, {
    Directive: (directive) => {
      const value = conditionOf(directive);
      if (value?.kind === Kind.VARIABLE) names.add(value.name.value);
    },
  });
  return [...names];
}

function isIncluded({ directives = [] }: SelectionNode, conditions: Conditions): boolean {
  return directives.every((directive) => {
    const value = conditionOf(directive);
    const holds =
      value?.kind === Kind.VARIABLE ? conditions[value.name.value] : value?.kind === Kind.BOOLEAN && value.value;
    return value === undefined || holds === (directive.name.value === 'include');
  });
}

function conditionOf({ name, arguments: given = [] }: DirectiveNode) {
  const isCondition = name.value === 'include' || name.value === 'skip';
  return isCondition ? given.find((each) => each.name.value === 'if')?.value : undefined;
}
