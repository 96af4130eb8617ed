/**
 * Columns as Postgres hands them over: the JSON array of each as one text, which is spliced into the answer as it is wherever
 * Postgres writes a number as JavaScript does.
 *
 * It does for up to 15 digits without an exponent: such a decimal is the only one of its length that reads back as the number.
 * It does not for exponents (from 1e+15 and below 1e-04 there, from 1e+21 and below 1e-6 here), for -0 (0 in JSON), nor always in
 * the 16th and 17th digit. Then the column is read and written anew. NaN and infinities are texts in it, which GraphQL refuses.
 */
const OTHERWISE_WRITTEN = /e|-0[,\]]|[\d.]{17}/;

/**
 * The array as GraphQL writes the same numbers.
 * @throws TypeError where one is not finite: the ordinary way says so as GraphQL does.
 */
export function numbersJson(text: string): string {
  if (text.includes('"')) throw new TypeError('a number is not finite');
  return OTHERWISE_WRITTEN.test(text) ? JSON.stringify(JSON.parse(text)) : text;
}

/** The items of an array of numbers and nulls, each as JSON. */
export function itemsOf(json: string): string[] {
  return json === '[]' ? [] : json.slice(1, -1).split(',');
}
