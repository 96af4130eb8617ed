import { BusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { NodeName } from '../../../domain/market.ts';
import type { Place } from '../../../domain/place.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { isZip, readZip, type ZipLimits } from '../../sources/zip.ts';
import { factsOf } from './facts.ts';
import { readLbmpRows } from './lbmp-rows.ts';
import { reportNamedIn } from './reports.ts';

/**
 * A month of zones unpacks to some 9 MB, of hourly prices of generators to 30 MB. A month of their 5-minute prices is more
 * than what can be held at once: it is unpacked and taken day by day.
 */
const ZIP_LIMITS: ZipLimits = { membersMax: 64, bytesMax: 128 * 1024 * 1024 };

/**
 * Decodes a file of LBMPs: one day of a report, or a month's archive of such files. Which report it is only its name says
 * (a partition, `20240703damlbmp_zone.csv`): day-ahead and real-time files look alike.
 *
 * @returns facts in the order of the rows, less the look-ahead (`dispatch-intervals.ts`).
 * @throws BusbarError `NO_DATA` where there is no price; `SOURCE_FAILED` for a page instead of a file; `MALFORMED`.
 */
export async function decodeLbmp(payload: Payload): Promise<Decoded<LmpFact>> {
  const facts: LmpFact[] = [];
  const rejects: Reject[] = [];
  const places = new Map<NodeName, Place>();
  for (const file of await filesIn(payload)) {
    const decoded = await decodeFile(file);
    for (const fact of decoded.facts) facts.push(fact);
    for (const reject of decoded.rejects) rejects.push(reject);
    for (const place of decoded.places ?? []) if (!places.has(place.node)) places.set(place.node, place);
  }
  if (facts.length + rejects.length === 0) throw new BusbarError('NO_DATA', `${payload.name} has no prices`);
  return { facts, rejects, ...(places.size > 0 && { places: [...places.values()] }) };
}

/** What NYISO answers instead of a file: a page of HTML; undefined where it is none. */
export function errorFromPage(bytes: Buffer): BusbarError | undefined {
  const isPage = /^\s*</.test(bytes.subarray(0, 200).toString('latin1'));
  return isPage ? new BusbarError('SOURCE_FAILED', 'NYISO answered with a page instead of a file') : undefined;
}

async function filesIn(payload: Payload): Promise<readonly Payload[]> {
  if (!isZip(payload.bytes)) return [payload];
  return readZip(payload.bytes, ZIP_LIMITS, (name) => name.toLowerCase().endsWith('.csv'));
}

async function decodeFile({ bytes, name }: Payload): Promise<Decoded<LmpFact>> {
  const page = errorFromPage(bytes);
  if (page) throw page;
  if (bytes.toString('latin1').trim() === '') return { facts: [], rejects: [] };
  const report = reportNamedIn(name);
  if (!report) {
    throw new BusbarError(
      'MALFORMED',
      `${name} does not name a report: it must be called as in 20240703damlbmp_zone.csv`,
    );
  }
  return factsOf(await readLbmpRows(bytes), report);
}
