/**
 * Columns as Postgres hands them over: the JSON array of each as one text, which is spliced into the answer as it is wherever
 * Postgres writes a number as JavaScript does.
 *
 * It does for up to 15 digits without an exponent: such a decimal is the only one of its length that reads back as the number.
 * It does not for exponents (from 1e+15 and below 1e-04 there, from 1e+21 and below 1e-6 here), for -0 (0 in JSON), nor always in
 * the 16th and 17th digit. Then the column is read and written anew. NaN and infinities are texts in it, which GraphQL refuses.
 */
const OTHERWISE_WRITTEN = /e|-0[,\]]/;

/** Of a number of 15 digits with sign and point; each is one place longer in the array, for its comma or bracket. */
const SAME_LENGTH_MAX = 17;

/**
 * The array as GraphQL writes the same numbers.
 * @throws TypeError where one is not finite: the ordinary way says so as GraphQL does.
 */
export function numbersJson(text: string): string {
  if (text.includes('"')) throw new TypeError('a number is not finite');
  return isWrittenOtherwise(text) ? JSON.stringify(JSON.parse(text)) : text;
}

/** The items of an array of numbers and nulls, each as JSON. */
export function itemsOf(json: string): string[] {
  return json === '[]' ? [] : json.slice(1, -1).split(',');
}

/** Of an array without nulls. */
export function numbersOfJson(json: string): readonly number[] {
  return JSON.parse(json);
}

/** By searches for single characters where it can be: a tenth of what one expression for all of it takes. */
function isWrittenOtherwise(text: string): boolean {
  const isSuspect = text.includes('e') || text.includes('-0');
  return (isSuspect && OTHERWISE_WRITTEN.test(text)) || hasLongItem(text);
}

function hasLongItem(text: string): boolean {
  let start = 1;
  for (let end = text.indexOf(','); end >= 0; end = text.indexOf(',', start)) {
    if (end - start > SAME_LENGTH_MAX) return true;
    start = end + 1;
  }
  return text.length - 1 - start > SAME_LENGTH_MAX;
}
