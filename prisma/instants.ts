/** SQL for an instant as Busbar counts it, milliseconds since the epoch. @param expression a `timestamptz`: a column's name, or SQL of our own. */
export function ms(expression: string): string {
  return `(extract(epoch FROM ${expression}) * 1000)::float8`;
}
