import { type ASTNode, type DocumentNode, parse, print, visit } from 'graphql';

/** Longer ones are nobody's that were registered. */
const TOKENS_MAX = 10_000;

/**
 * The same text for documents that say the same: laid out otherwise, or with fields, arguments, variables and fragments in another order, as
 * registries write them.
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
    SelectionSet: { leave: (node) => ({ ...node, selections: byText(node.selections) }) },
    Field: { leave: (node) => ({ ...node, arguments: byText(node.arguments) }) },
    OperationDefinition: { leave: (node) => ({ ...node, variableDefinitions: byText(node.variableDefinitions) }) },
  });
}

function byText<Node extends ASTNode>(nodes: readonly Node[] = []): Node[] {
  const texts = new Map(nodes.map((node) => [node, print(node)]));
  return [...nodes].sort((a, b) => ((texts.get(a) ?? '') < (texts.get(b) ?? '') ? -1 : 1));
}
