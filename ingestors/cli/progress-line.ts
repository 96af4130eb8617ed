import type { ProgressPart } from './job-text.ts';

const BAR_WIDTH_MAX = 24;
/** A shorter bar tells nothing. */
const BAR_WIDTH_MIN = 8;
/** Less of a text that is cut off tells nothing. */
const CUT_WIDTH_MIN = 12;
const SPACE = '  ';

/**
 * A bar and what is told beside it, in one line that never takes more room than there is. Where it is short, the bar shrinks
 * first; then it goes, and the parts go that matter least. Of the last that goes, its beginning stays where that fits.
 * @param share from 0 to 1.
 * @param width columns of a terminal, in which a wide character takes two.
 */
export function progressLine(parts: readonly ProgressPart[], share: number, width: number): string {
  const text = joined(parts);
  const bar = barOf(share, width - columnsOf(text) - SPACE.length);
  return bar === undefined ? shortLine(parts, width) : `${bar}${SPACE}${text}`;
}

function barOf(share: number, columns: number): string | undefined {
  const width = Math.min(BAR_WIDTH_MAX, columns - '[]'.length);
  if (width < BAR_WIDTH_MIN) return undefined;
  const full = Math.round(width * share);
  return `[${'#'.repeat(full)}${'.'.repeat(width - full)}]`;
}

function shortLine(parts: readonly ProgressPart[], width: number): string {
  let kept = [...parts];
  while (kept.length > 1 && columnsOf(joined(kept)) > width) {
    const least = Math.max(...kept.map(({ rank }) => rank));
    const others = kept.filter(({ rank }) => rank < least);
    const room = width - columnsOf(joined(others)) - SPACE.length;
    if (others.length === 0) break;
    // What comes last in the line can be cut off without taking a number with it.
    if (kept.at(-1)?.rank === least && room >= CUT_WIDTH_MIN) return cut(joined(kept), width);
    kept = others;
  }
  return cut(joined(kept), width);
}

function joined(parts: readonly ProgressPart[]): string {
  return parts.map(({ text }) => text).join(SPACE);
}

function cut(text: string, width: number): string {
  if (columnsOf(text) <= width) return text;
  let columns = 1;
  let end = '';
  for (const character of text) {
    columns += columnsOf(character);
    if (columns > width) break;
    end += character;
  }
  return `${end}…`;
}

/** No fewer than a terminal takes: what is not Latin counts twice. */
function columnsOf(text: string): number {
  let columns = 0;
  for (const character of text) columns += isNarrow(character) ? 1 : 2;
  return columns;
}

function isNarrow(character: string): boolean {
  const code = character.codePointAt(0) ?? 0;
  return code < 0x1100 || (code >= 0x2000 && code < 0x2500);
}
