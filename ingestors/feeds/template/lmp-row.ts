import { z } from 'zod';
import { instantsAt } from '../../../domain/calendar.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import type { PlaceKind } from '../../../domain/place.ts';
import type { Reject } from '../../feed.ts';
import { intervalMsOf } from '../../sources/report-poller.ts';
import type { Said } from '../../sources/told-places.ts';
import { MARKET, REPORTS, type ReportName, TIME_ZONE } from './reports.ts';

/**
 * One row:
 *
 *   {"node": "NORTH", "type": "HUB", "date": "2026-11-01", "hourEnding": 2, "repeated": true,
 *    "lmp": 24.46, "energy": 24.63, "congestion": 0, "loss": -0.17}
 *
 * Times are of the local clock, hour-ending: 1 is the hour from midnight. In autumn the hour that comes twice is 2, the second
 * time with `repeated`; in spring 3 is left out. A component may be null; signs are such that the identity is a plain sum.
 */
const ROW = z.object({
  node: z.string(),
  type: z.string().optional(),
  date: z.iso.date(),
  hourEnding: z.int().min(1).max(24),
  repeated: z.boolean().optional(),
  lmp: z.number(),
  energy: z.number().nullable(),
  congestion: z.number().nullable(),
  loss: z.number().nullable(),
});

type Row = z.output<typeof ROW>;

/** What is wrong with a row. */
export type Problem = Omit<Reject, 'raw'>;

export interface ReadRow {
  readonly fact: LmpFact;
  /** What it tells of its node. */
  readonly said: Said;
}

export function rowFrom(value: unknown, report: ReportName): ReadRow | Problem {
  const parsed = ROW.safeParse(value);
  if (!parsed.success) return problemOf(parsed.error);
  const { lmp, energy, congestion, loss, type } = parsed.data;
  const node = nodeNameFrom(MARKET, parsed.data.node);
  if (!node) return { code: 'BAD_VALUE', reason: 'node is no name of 1 to 200 characters' };
  const startAt = startOf(parsed.data);
  if (typeof startAt === 'object') return startAt;
  const { run } = REPORTS[report];
  const interval = { startAt, endAt: startAt + intervalMsOf({ run }) };
  return { fact: { node, run, ...interval, lmp, energy, congestion, loss, ghg: null }, said: saidBy(type) };
}

const KINDS: ReadonlyMap<string, PlaceKind> = new Map([
  ['HUB', 'HUB'],
  ['ZONE', 'ZONE'],
]);

function saidBy(type: string | undefined): Said {
  const kind = KINDS.get(type ?? '');
  return kind ? { kind } : {};
}

/** The clock shows the hour before `hourEnding` once, twice or not at all. */
function startOf({ date, hourEnding, repeated = false }: Row): number | Problem {
  const [year = 0, month = 0, day = 0] = date.split('-').map(Number);
  const instants = instantsAt(TIME_ZONE, { year, month, day, hour: hourEnding - 1, minute: 0 });
  const startAt = instants[repeated ? 1 : 0];
  if (startAt !== undefined) return startAt;
  const which = repeated ? 'a second time' : 'at all';
  return { code: 'BAD_TIME', reason: `${date} has no hour ending ${hourEnding} ${which} in ${TIME_ZONE}` };
}

function problemOf({ issues }: z.ZodError): Problem {
  const [issue] = issues;
  const field = issue?.path.join('.') || 'the row';
  return { code: 'BAD_VALUE', reason: `${field}: ${issue?.message ?? 'not as expected'}` };
}
