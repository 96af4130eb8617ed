/**
 * A literal for an `int[]` or `bigint[]` parameter. pg's own encoder quotes each element, which for the arrays of an
 * append costs more than building the rest of the statement.
 */
export function arrayLiteral(numbers: readonly number[]): string {
  return `{${numbers.join(',')}}`;
}
