import { setImmediate as letOthersRun } from 'node:timers/promises';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { Decoded, Reject, RejectCode } from '../../feed.ts';
import { intervalMsOf } from '../../sources/report-poller.ts';
import { createToldPlaces } from '../../sources/told-places.ts';
import { dispatchStarts } from './dispatch-intervals.ts';
import { type LbmpRow, type LbmpTable, ROWS_PER_TURN } from './lbmp-rows.ts';
import { REPORTS, type ReportName } from './reports.ts';
import { type PlacedStamp, placeStamps } from './stamps.ts';

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;

/** The rows of one file become facts. A reject's raw bytes are the header and the rows concerned: a file by themselves. */
export async function factsOf(table: LbmpTable, name: ReportName): Promise<Decoded<LmpFact>> {
  const { header, rows } = table;
  const stamps = placeStamps(rows);
  const intervalAt = intervalsOf(name, stamps);
  const known = createKnownFacts();
  const places = createToldPlaces();
  const kind = REPORTS[name].places === 'zone' ? 'ZONE' : 'GENERATOR';
  const rejects = table.bad.map(({ line, reason }) => rejectOf(header, 'NOT_THE_FORMAT', reason, [line]));
  for (const [i, row] of rows.entries()) {
    const fact = stamps[i]?.isAmbiguous ? undefined : factOf(row, stamps[i]?.at, intervalAt, name);
    if (fact && 'code' in fact) rejects.push(rejectOf(header, fact.code, fact.reason, [row.line]));
    else if (fact) {
      known.add(fact, row.line);
      if (places.isNew(fact.node)) places.tell(fact.node, { kind, aliases: [row.ptid] });
    }
    if (i % ROWS_PER_TURN === 0) await letOthersRun();
  }
  const ambiguous = rows.filter((_, i) => stamps[i]?.isAmbiguous);
  if (ambiguous.length > 0) rejects.push(ambiguousReject(header, ambiguous));
  for (const { fact, lines } of known.conflicting()) {
    const reason = `${fact.node} has ${lines.length} different rows for one interval`;
    rejects.push(rejectOf(header, 'BAD_VALUE', reason, lines));
  }
  const facts = known.facts();
  return { facts, rejects, ...places.since(facts[0]?.startAt) };
}

interface Interval {
  readonly startAt: number;
  readonly endAt: number;
}

/** @returns the interval of a stamp; undefined where it is look-ahead. */
type Intervals = (stamp: number) => Interval | undefined;

function intervalsOf(name: ReportName, stamps: readonly PlacedStamp[]): Intervals {
  const report = REPORTS[name];
  if (report.stamp === 'START') return (startAt) => ({ startAt, endAt: startAt + intervalMsOf(report) });
  const starts = dispatchStarts(stamps.map(({ at }) => at).filter((at) => at !== undefined));
  return (endAt) => {
    const startAt = starts.get(endAt);
    return startAt === undefined ? undefined : { startAt, endAt };
  };
}

interface Problem {
  readonly code: RejectCode;
  readonly reason: string;
}

/** @returns undefined for a row of the look-ahead. */
function factOf(
  row: LbmpRow,
  stamp: number | undefined,
  intervalAt: Intervals,
  name: ReportName,
): LmpFact | Problem | undefined {
  if (stamp === undefined) {
    return { code: 'BAD_TIME', reason: `"${row.stamp}" is no Eastern time MM/DD/YYYY HH:MM[:SS]` };
  }
  const interval = intervalAt(stamp);
  if (!interval) return undefined;
  const node = nodeNameFrom('NYISO', row.name);
  if (!node) return { code: 'MISSING_FIELD', reason: `Name is "${row.name}": no name of a node` };
  const lmp = priceFrom(row.lbmp);
  const loss = priceFrom(row.losses);
  const published = priceFrom(row.congestion);
  if (lmp === null) return { code: 'MISSING_FIELD', reason: `LBMP of ${node} is blank` };
  if (lmp === undefined || loss === undefined || published === undefined) {
    const reason = `LBMP "${row.lbmp}", losses "${row.losses}" and congestion "${row.congestion}" of ${node} must be decimals`;
    return { code: 'BAD_VALUE', reason };
  }
  return { node, run: REPORTS[name].run, ...interval, lmp, ...componentsOf(lmp, loss, published) };
}

/**
 * NYISO publishes LBMP = energy + losses − congestion, and no energy. Congestion is stored with its sign flipped, and energy
 * is what is left, so that LMP = energy + congestion + loss.
 */
function componentsOf(lmp: number, loss: number | null, published: number | null) {
  const congestion = published === null ? null : withoutNegativeZero(-published);
  const energy = loss === null || congestion === null ? null : sixPlaces(lmp - loss - congestion);
  return { energy, congestion, loss, ghg: null };
}

/** Of prices in cents: takes away what binary floating point adds. */
function sixPlaces(value: number): number {
  return withoutNegativeZero(Math.round(value * 1e6) / 1e6);
}

/** @returns null where it is blank, undefined where it is no decimal. */
function priceFrom(text: string): number | null | undefined {
  if (text === '') return null;
  return DECIMAL.test(text) ? withoutNegativeZero(Number(text)) : undefined;
}

/** `-0.00` is 0: -0 is another number for whoever compares. */
function withoutNegativeZero(value: number): number {
  return value + 0;
}

interface KnownFact {
  readonly fact: LmpFact;
  readonly lines: string[];
}

/** One fact a node and interval. A row that comes again is one row; one that says something else makes both doubtful. */
function createKnownFacts() {
  const facts = new Map<string, KnownFact>();
  const isDoubtful = ({ lines }: KnownFact) => lines.length > 1;
  return {
    add: (fact: LmpFact, line: string) => {
      const key = `${fact.startAt} ${fact.node}`;
      const known = facts.get(key);
      if (!known) facts.set(key, { fact, lines: [line] });
      else if (!known.lines.includes(line)) known.lines.push(line);
    },
    facts: () => [...facts.values()].filter((each) => !isDoubtful(each)).map(({ fact }) => fact),
    conflicting: () => [...facts.values()].filter(isDoubtful),
  };
}

/** One for the file: each poll of that hour would else leave one a node. */
function ambiguousReject(header: string, rows: readonly LbmpRow[]): Reject {
  const reason = `${rows.length} rows, the first of ${rows[0]?.stamp}, are of the hour that is repeated in autumn: they need that hour twice, one after the other`;
  return rejectOf(
    header,
    'AMBIGUOUS_TIME',
    reason,
    rows.map(({ line }) => line),
  );
}

function rejectOf(header: string, code: RejectCode, reason: string, lines: readonly string[]): Reject {
  return { code, reason, raw: Buffer.from(`${[header, ...lines].join('\n')}\n`) };
}
