/** Answers whose columns are not as they were: what vendors do without a word. */

const CELL = /("(?:[^"]|"")*"|[^,"]*)(?:,|$)/g;

/** CSV without a column; lines before the header stay. */
export function csvWithout(text: string, column: string): string {
  return changedTable(text, column, (cells, place) => cells.toSpliced(place, 1));
}

/** CSV with its columns in reverse, but for the first so many. @param column by which the header is known */
export function csvTurned(text: string, column: string, kept = 0): string {
  return changedTable(text, column, (cells) => [...cells.slice(0, kept), ...cells.slice(kept).reverse()]);
}

function changedTable(text: string, column: string, change: (cells: string[], place: number) => string[]): string {
  const lines = text.split('\n');
  const header = lines.findIndex((line) => placeIn(line, column) >= 0);
  const place = placeIn(lines[header] ?? '', column);
  return lines
    .map((line, i) => {
      const [, content = '', end = ''] = /^(.*?)(\r?)$/.exec(line) ?? [];
      return i < header || header < 0 || content === '' ? line : change(cellsOf(content), place).join(',') + end;
    })
    .join('\n');
}

function placeIn(line: string, column: string): number {
  return cellsOf(line.trim()).findIndex((cell) => cell.replaceAll('"', '') === column);
}

function cellsOf(line: string): string[] {
  const cells = [...line.matchAll(CELL)].map(([, cell = '']) => cell);
  // The pattern finds nothing once more behind the last cell.
  return line.endsWith(',') ? cells : cells.slice(0, -1);
}

/** JSON without a key, wherever it stands. */
export function jsonWithout(text: string, ...keys: readonly string[]): string {
  return JSON.stringify(JSON.parse(text, (key, value) => (keys.includes(key) ? undefined : value)));
}

/** JSON with the keys of every object in reverse. */
export function jsonTurned(text: string): string {
  const turned = (_: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).reverse())
      : value;
  return JSON.stringify(JSON.parse(text, turned));
}
