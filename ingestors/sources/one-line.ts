const LENGTH_MAX = 500;

/** What somebody else wrote, for a line of a log: without what ends a line or moves a terminal, and not too long. */
export function oneLine(text: string): string {
  return text
    .replace(/[\p{Cc}\s]+/gu, ' ')
    .trim()
    .slice(0, LENGTH_MAX);
}
