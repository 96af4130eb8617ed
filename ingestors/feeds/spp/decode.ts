import { setImmediate as letOthersRun } from 'node:timers/promises';
import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import { HOUR_MS } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { type CsvRow, readCsvTable } from '../../sources/csv-table.ts';
import { createToldPlaces, type ToldPlaces } from '../../sources/told-places.ts';
import { type CsvFile, filesIn, piecesOf } from './csv-files.ts';
import { timeFrom } from './interval.ts';
import { columnsOf, createRowReader, isSurelyWhole, placeSaidIn, type RowReader } from './lmp-row.ts';
import { type ReportName, reportNamedIn } from './reports.ts';

/**
 * Decodes a file of SPP's, or several one after the other as a poll brings those of an hour.
 *
 * A reject's raw bytes are the header and the line concerned: a CSV that can be decoded by itself. Of several files, one that
 * cannot be read is a reject, and the others are read.
 * @returns one fact a location and interval, in the order of intervals.
 * @throws BusbarError `NO_DATA` for nothing or headers without rows; `SOURCE_FAILED` for a page in the place of a CSV;
 *   `MALFORMED` for what is no such file, is of another report, or could be of either.
 */
export async function decodeSppLmp({ bytes, name }: Payload): Promise<Decoded<LmpFact>> {
  const files = filesIn(bytes);
  const readRow = createRowReader(await reportOf(files, name));
  const gathering: Gathering = { readRow, seen: new Map(), rejects: [], places: createToldPlaces() };
  for (const file of files) {
    try {
      await readFile(file, gathering);
    } catch (error) {
      if (files.length === 1 || !isBusbarError(error, 'MALFORMED')) throw error;
      gathering.rejects.push(rejectOf('NOT_THE_FORMAT', error.message, file.header, file.body));
    }
  }
  const { seen, rejects, places } = gathering;
  if (seen.size === 0 && rejects.length === 0) throw new BusbarError('NO_DATA', 'the file has a header and no rows');
  const facts = [...seen.values()].filter(({ isDoubted }) => !isDoubted).map(({ fact }) => fact);
  facts.sort((a, b) => a.startAt - b.startAt);
  return { facts, rejects, ...places.since(facts[0]?.startAt) };
}

interface Gathering {
  readonly readRow: RowReader;
  /** By node and interval. */
  readonly seen: Map<string, Seen>;
  readonly rejects: Reject[];
  readonly places: ToldPlaces;
}

interface Seen {
  readonly fact: LmpFact;
  readonly header: string;
  readonly line: string;
  isDoubted: boolean;
}

async function readFile(file: CsvFile, { readRow, seen, rejects, places }: Gathering): Promise<void> {
  const columns = columnsOf(file.header);
  for await (const { row, isCutOff } of rowsOf(file)) {
    const fact = readRow(row, columns);
    if ('reason' in fact) {
      rejects.push(rejectOf(fact.code, fact.reason, file.header, row.line));
    } else if (isCutOff && !isSurelyWhole(fact, columns)) {
      rejects.push(rejectOf('NOT_THE_FORMAT', 'the last line has no end and may be cut off', file.header, row.line));
    } else {
      if (places.isNew(fact.node)) places.tell(fact.node, placeSaidIn(row, columns));
      const reject = keep({ fact, header: file.header, line: row.line, isDoubted: false }, seen);
      if (reject) rejects.push(reject);
    }
  }
}

/** @returns a reject of both where another price of the location and interval came before: then neither is to be trusted. */
function keep(row: Seen, seen: Gathering['seen']): Reject | undefined {
  const key = `${row.fact.node} ${row.fact.endAt}`;
  const known = seen.get(key);
  if (!known) seen.set(key, row);
  if (!known || isSame(known.fact, row.fact)) return undefined;
  known.isDoubted = true;
  const reason = `two rows of ${row.fact.node} for one interval that differ`;
  return rejectOf('BAD_VALUE', reason, known.header, known.line, row.header, row.line);
}

function isSame(one: LmpFact, other: LmpFact): boolean {
  const { lmp, energy, congestion, loss } = one;
  return lmp === other.lmp && energy === other.energy && congestion === other.congestion && loss === other.loss;
}

function rejectOf(code: Reject['code'], reason: string, ...lines: readonly string[]): Reject {
  return { code, reason, raw: Buffer.from(`${lines.join('\n').trimEnd()}\n`) };
}

/** Rows with whether the line may be cut off, a pause now and then. */
async function* rowsOf(file: CsvFile): AsyncGenerator<{ readonly row: CsvRow; readonly isCutOff: boolean }> {
  for (const { lines, isLast } of piecesOf(file)) {
    const { rows } = readCsvTable(Buffer.from(`${file.header}\n${lines}`), []);
    for (const row of rows) yield { row, isCutOff: isLast && !file.isEnded && row === rows.at(-1) };
    await letOthersRun();
  }
}

async function reportOf(files: readonly CsvFile[], name: string): Promise<ReportName> {
  const named = reportNamedIn(name);
  if (named === null) throw new BusbarError('MALFORMED', `${name} is of a report of SPP's that is not read`);
  return named ?? reportByTimes(files, name);
}

/**
 * The report of a payload whose name does not say it: an interval that ends within an hour is of the real-time one, and ends of
 * several hours with none between them are of the day-ahead one.
 */
async function reportByTimes(files: readonly CsvFile[], name: string): Promise<ReportName> {
  const ends = new Set<string>();
  for (const file of files) {
    const { end = 'interval' } = columnsOf(file.header);
    for await (const { row } of rowsOf(file)) ends.add(row.get(end));
  }
  if (ends.size === 0) throw new BusbarError('NO_DATA', 'the file has a header and no rows');
  const times = [...ends].map(timeFrom).filter((time) => time !== undefined);
  if (times.some((time) => time % HOUR_MS !== 0)) return 'rtbm-lmp-by-location';
  if (times.length > 1) return 'da-lmp-by-settlement-location';
  const reason = 'may be day-ahead or real-time: name it as SPP does, DA-LMP-SL or RTBM-LMP-SL';
  throw new BusbarError('MALFORMED', `${name} ${reason}`);
}
