import { type ASTNode, type DocumentNode, Kind, OperationTypeNode, parse, print, visit } from 'graphql';

/** Longer ones are nobody's that were registered. */
const TOKENS_MAX = 10_000;

/**
 * The same text for documents that say the same: laid out otherwise, or with fields, arguments, variables and fragments in another order, as
 * registries write them. The fields of a mutation itself keep their order: in it they are carried out.
 * @returns undefined where it is no document.
 */
export function normalForm(text: string): string | undefined {
  try {
    return print(sorted(parse(text, { maxTokens: TOKENS_MAX, noLocation: true })));
  } catch {
    return undefined;
  }
}

function sorted(document: DocumentNode): DocumentNode {
  return visit(document, {
    Document: { leave: (node) => ({ ...node, definitions: byText(node.definitions) }) },
    SelectionSet: {
      leave: (node, _key, parent, _path, ancestors) =>
        isInOrder([...ancestors, parent]) ? undefined : { ...node, selections: byText(node.selections) },
    },
    Field: { leave: (node) => ({ ...node, arguments: byText(node.arguments) }) },
    OperationDefinition: { leave: (node) => ({ ...node, variableDefinitions: byText(node.variableDefinitions) }) },
  });
}

/** @param above what a selection set stands in, the nearest last: nodes, and lists of them that nodes are in. */
function isInOrder(above: readonly (ASTNode | readonly ASTNode[] | undefined)[]): boolean {
  const nodes = above.filter((each): each is ASTNode => each !== undefined && 'kind' in each);
  const nearest = nodes.findLast(({ kind }) => kind !== Kind.SELECTION_SET && kind !== Kind.INLINE_FRAGMENT);
  if (nearest?.kind === Kind.OPERATION_DEFINITION) return nearest.operation === OperationTypeNode.MUTATION;
  return nearest?.kind === Kind.FRAGMENT_DEFINITION && nearest.typeCondition.name.value === 'Mutation';
}

function byText<Node extends ASTNode>(nodes: readonly Node[] = []): Node[] {
  const texts = new Map(nodes.map((node) => [node, print(node)]));
  return [...nodes].sort((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1));
}
