/** What goes to standard output: JSON, or tables for a person. Errors and notes go to standard error. */
import type { Terminal } from './terminal.ts';

export type Cell = string | number | Date | null | undefined;

type Printed = Pick<Terminal, 'stdout'>;

export function printLine({ stdout }: Printed, text: string): void {
  stdout.write(`${text}\n`);
}

export function printJson(terminal: Printed, value: unknown): void {
  printLine(terminal, JSON.stringify(value, null, 2));
}

/** Columns as wide as their widest cell. */
export function printTable(terminal: Printed, head: readonly string[], rows: readonly (readonly Cell[])[]): void {
  const cells = [head, ...rows].map((row) => row.map(cellText));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  for (const row of cells)
    printLine(
      terminal,
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    );
}

/** A line for each thing that has a value. */
export function printFacts(terminal: Printed, facts: readonly (readonly [name: string, value: Cell])[]): void {
  const told = facts.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const width = Math.max(...told.map(([name]) => name.length));
  for (const [name, value] of told) printLine(terminal, `${name.padEnd(width)}  ${cellText(value)}`);
}

/**
 * Text of somebody else's as a terminal may have it: control characters, which could move the cursor or hide what
 * stands there, show as pictures.
 */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (control) => (control === '\n' || control === '\t' ? control : pictureOf(control)));
}

export function shortened(text: string, lengthMax: number): string {
  return text.length <= lengthMax ? text : `${text.slice(0, lengthMax - 1)}…`;
}

/** `1234567` → `1,234,567`. */
export function countText(count: number): string {
  return Math.round(count).toLocaleString('en-US');
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '–';
  if (cell instanceof Date) return cell.toISOString();
  return printable(String(cell)).replace(/[\n\t]/g, ' ');
}

function pictureOf(control: string): string {
  const code = control.charCodeAt(0);
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : code === 0x7f ? '\u2421' : '\ufffd';
}
