import { isUtf8 } from 'node:buffer';
import { parse } from 'csv-parse/sync';
import { BusbarError, isBusbarError, messageOf } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { Decoded } from '../../feed.ts';
import type { Correction } from './corrections.ts';
import { decodeLmpCsv } from './lmp-pivot.ts';
import { assertWhole, type CsvMember, marketRunIn } from './lmp-rows.ts';
import { instantFromPacific } from './pacific.ts';
import { CORRECTIONS } from './reports.ts';

/**
 * What comes in a correction group, in either of two forms:
 *
 * - a notice, which names what was corrected and holds no price:
 *   TRADE_DATE,HOUR_ENDING,INTERVAL,MARKET,AFFECTED_AREA,CORRECTION_METHOD,CORRECTION_COUNT,ENERGY_TYPECODE,
 *   CORRECTION_REASON,REPORT_GENERATED, where a market without corrections has one row that says so;
 * - members in the columns of the LMP reports, each of one market run.
 *
 * No answer has been recorded yet. The notice's columns are those that another reader of this group relies on; the order
 * is not relied on here. Anything else is malformed.
 */
const NOTHING_CORRECTED = /^no records found/i;

/** A notice has a row for each corrected interval of a day. */
const NOTICE_BYTES_MAX = 16 * 1024 * 1024;

/** True where a payload of that name, with members of those names, came from the correction group. */
export function isCorrectionGroup(names: readonly string[]): boolean {
  return names.some((name) => name.includes(CORRECTIONS));
}

/**
 * @returns the facts of all members in the order of their intervals; none where the group is a notice of corrections.
 * @throws BusbarError `MALFORMED` where a member is of neither form; `NO_DATA` where nothing was corrected.
 */
export async function decodeCorrectionGroup(
  members: readonly CsvMember[],
  payloadName: string,
): Promise<Decoded<LmpFact>> {
  const corrections = correctionsIn(members);
  const parts: Decoded<LmpFact>[] = [];
  for (const ofOneRun of byMarketRun(members.filter((member) => !isNotice(member)))) {
    const part = await decodedUnlessEmpty(ofOneRun, payloadName);
    if (part) parts.push(part);
  }
  if (parts.length === 0 && corrections.length === 0) {
    throw new BusbarError('NO_DATA', 'nothing was corrected');
  }
  return {
    facts: parts.flatMap((part) => part.facts).sort((a, b) => a.startAt - b.startAt),
    rejects: parts.flatMap((part) => part.rejects),
    places: parts.flatMap((part) => part.places ?? []),
  };
}

/** Whether the member is whole. @throws BusbarError `MALFORMED` */
export function assertMemberWhole(member: CsvMember): void {
  if (isNotice(member)) readNotice(member);
  else assertWhole(member);
}

/** What the notices among the members tell. @throws BusbarError `MALFORMED` where a notice cannot be read. */
export function correctionsIn(members: readonly CsvMember[]): Correction[] {
  return members.filter(isNotice).flatMap(readNotice);
}

/** Members of one market run belong together: a group has one for each LMP_TYPE. */
function byMarketRun(members: readonly CsvMember[]): Iterable<readonly CsvMember[]> {
  const runs = new Map<string, CsvMember[]>();
  for (const member of members) {
    const run = marketRunIn(member);
    runs.set(run, [...(runs.get(run) ?? []), member]);
  }
  return runs.values();
}

async function decodedUnlessEmpty(
  members: readonly CsvMember[],
  payloadName: string,
): Promise<Decoded<LmpFact> | undefined> {
  try {
    return await decodeLmpCsv(members, payloadName);
  } catch (error) {
    if (isBusbarError(error, 'NO_DATA')) return undefined;
    throw error;
  }
}

function isNotice({ bytes }: CsvMember): boolean {
  return bytes.subarray(0, Math.max(0, bytes.indexOf('\n'))).includes('CORRECTION_REASON');
}

function readNotice(member: CsvMember): Correction[] {
  return noticeRows(member)
    .filter((row) => !NOTHING_CORRECTED.test(textOf(row, 'CORRECTION_REASON', member.name)))
    .map((row) => ({
      market: textOf(row, 'MARKET', member.name),
      madeAt: instantFrom(textOf(row, 'REPORT_GENERATED', member.name)),
    }));
}

type NoticeRow = Readonly<Record<string, string>>;

function noticeRows({ name, bytes }: CsvMember): NoticeRow[] {
  if (bytes.length > NOTICE_BYTES_MAX) throw malformed(`${name} has more than ${NOTICE_BYTES_MAX} bytes`);
  if (!isUtf8(bytes)) throw malformed(`${name} is not UTF-8 text`);
  try {
    return parse<NoticeRow>(bytes, { columns: true, bom: true, trim: true, skip_empty_lines: true });
  } catch (error) {
    throw new BusbarError('MALFORMED', `${name} cannot be read as CSV: ${messageOf(error)}`, { cause: error });
  }
}

function textOf(row: NoticeRow, column: string, memberName: string): string {
  const text = row[column];
  if (text === undefined) throw malformed(`${memberName} has no column ${column}: it is not a notice of corrections`);
  return text;
}

/** `2024-07-10 16:20:31`, Pacific. */
function instantFrom(text: string): number | undefined {
  const parts = /^(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?$/.exec(text);
  if (!parts) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map((part) => Number(part ?? 0));
  return instantFromPacific({ year, month, day, hour, minute, second });
}

function malformed(message: string): BusbarError {
  return new BusbarError('MALFORMED', message);
}
