import { setImmediate as letOthersRun } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import { BusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { createToldPlaces, type ToldPlaces } from '../../sources/told-places.ts';
import { isRecord, rowsIn } from './answer.ts';
import { easternInstants, factFrom } from './lmp-row.ts';
import { locationsIn, placeSaidIn } from './places.ts';
import { type IsoneReport, REPORT_NAMES, REPORTS, reportNamedIn } from './reports.ts';

/** Rows between two pauses: a day of all locations is 29,000 hourly rows. */
const ROWS_PER_TURN = 5_000;

/**
 * Decodes what the ISO-NE web services answer to a request for LMP, or a file of it. Which report it is, only the name tells.
 * The list of locations (`locations/all`) is taken too: it has no prices, and tells of every node.
 *
 * A row that comes twice and says the same is one fact (as it did in May 2019); where the two differ, neither is.
 * @returns facts in the order of their intervals; a reject's raw bytes are an answer with the rows concerned.
 * @throws BusbarError `MALFORMED` where the name speaks of no report, and what `rowsIn` throws.
 */
export async function decodeIsoneLmp({ bytes, name }: Payload): Promise<Decoded<LmpFact>> {
  const locations = locationsIn(bytes);
  if (locations) return { facts: [], ...locations };
  const report = reportOf(name);
  const places = createToldPlaces();
  const instantOf = easternInstants();
  const rejects: Reject[] = [];
  const found = new Map<string, Found>();
  for (const [read, row] of rowsIn(bytes, report).entries()) {
    const outcome = factFrom(row, report, instantOf);
    if ('reason' in outcome) rejects.push({ ...outcome, raw: rawOf(report, [row]) });
    else {
      addFact(found, outcome, row);
      if (places.isNew(outcome.node)) places.tell(outcome.node, placeSaidIn(row));
    }
    if (read % ROWS_PER_TURN === ROWS_PER_TURN - 1) await letOthersRun();
  }
  return settled(found, rejects, report, places);
}

/** A fact and the rows that say it. */
interface Found {
  readonly fact: LmpFact;
  readonly rows: unknown[];
  contradicted: boolean;
}

function reportOf(payloadName: string): IsoneReport {
  const name = reportNamedIn(payloadName);
  if (name !== undefined) return REPORTS[name];
  throw new BusbarError(
    'MALFORMED',
    `"${payloadName}" does not tell which report it is, and neither does its content: name it after one of ${REPORT_NAMES.join(', ')}`,
  );
}

function addFact(found: Map<string, Found>, fact: LmpFact, row: unknown): void {
  const key = `${fact.startAt} ${fact.node}`;
  const known = found.get(key);
  if (!known) {
    found.set(key, { fact, rows: [row], contradicted: false });
    return;
  }
  known.rows.push(row);
  known.contradicted ||= !isDeepStrictEqual(known.fact, fact);
}

function settled(
  found: ReadonlyMap<string, Found>,
  rejects: Reject[],
  report: IsoneReport,
  places: ToldPlaces,
): Decoded<LmpFact> {
  const facts: LmpFact[] = [];
  for (const { fact, rows, contradicted } of found.values()) {
    if (contradicted) rejects.push({ ...contradiction(fact, rows), raw: rawOf(report, rows) });
    else facts.push(fact);
  }
  facts.sort((a, b) => a.startAt - b.startAt);
  return { facts, rejects, ...places.since(facts[0]?.startAt) };
}

function contradiction({ node }: LmpFact, rows: readonly unknown[]): Omit<Reject, 'raw'> {
  const [row] = rows;
  const when = isRecord(row) ? String(row.BeginDate) : '';
  return { code: 'BAD_VALUE', reason: `${rows.length} rows of ${node} at ${when} that differ` };
}

function rawOf({ list, row }: IsoneReport, rows: readonly unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ [list]: { [row]: rows } }));
}
