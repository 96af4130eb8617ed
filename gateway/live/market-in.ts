/** The market of an event's node, which is ours: nothing about it is checked. */
export function marketIn(node: string): string {
  return node.slice(0, node.indexOf(':'));
}
