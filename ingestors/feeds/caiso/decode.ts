import { BusbarError, isBusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { Decoded, Payload } from '../../feed.ts';
import { isZip, readZip, type ZipLimits, zipMemberNames } from '../../sources/zip.ts';
import { assertMemberWhole, correctionsIn, decodeCorrectionGroup, isCorrectionGroup } from './correction-group.ts';
import type { Correction } from './corrections.ts';
import { decodeLmpCsv } from './lmp-pivot.ts';
import { bodyKind, errorFromXml, throttledByPage, timeDateOf } from './oasis-xml.ts';
import { instantFromPacific } from './pacific.ts';

/** A group download has five members; one hour of real-time prices for all nodes unpacks to about 140 MB. */
const ZIP_LIMITS: ZipLimits = { membersMax: 64, bytesMax: 512 * 1024 * 1024 };

/**
 * Decodes what OASIS answers to a request for LMP or for corrections, or a file of it: a zip of CSV members, one CSV
 * without the zip, or one of the ways in which OASIS says that there is no CSV.
 *
 * @returns one fact a node and interval, in the order of intervals; none where corrections are only told of.
 * @throws BusbarError `NO_DATA`, `SOURCE_FAILED` or `SOURCE_REFUSED` where OASIS says so in XML; `THROTTLED` for an HTML
 *   page; `MALFORMED` for what is none of these, XML data (no `resultformat=6`) included.
 */
export async function decodeOasisLmp(payload: Payload): Promise<Decoded<LmpFact>> {
  const members = await membersOf(payload);
  for (const member of members) {
    const error = errorIn(member.bytes);
    if (error) throw error;
  }
  return isCorrectionGroup([payload.name, ...members.map((member) => member.name)])
    ? decodeCorrectionGroup(members, payload.name)
    : decodeLmpCsv(members, payload.name);
}

/** What an answer of the correction group tells; nothing where it cannot be read, which its decoder says. */
export async function correctionsInAnswer(payload: Payload): Promise<readonly Correction[]> {
  try {
    return correctionsIn(await membersOf(payload));
  } catch (error) {
    if (isBusbarError(error)) return [];
    throw error;
  }
}

/**
 * What is wrong with an answer as a whole, without decoding its data; undefined where it seems to be data. The errors
 * are those that `decodeOasisLmp` throws, and `MALFORMED` for a CSV whose end is missing.
 */
export async function errorInAnswer(payload: Payload): Promise<BusbarError | undefined> {
  try {
    for (const member of await membersOf(payload)) {
      const error = errorIn(member.bytes);
      if (error) return error;
      assertMemberWhole(member);
    }
    return undefined;
  } catch (error) {
    if (isBusbarError(error)) return error;
    throw error;
  }
}

/**
 * When OASIS made the payload, as far as it says so: an XML document carries its instant, a CSV only in its name
 * (`…_PRC_LMP_DAM_20231116_10_39_53_v12.csv`, Pacific time). In the repeated hour of autumn a name is ambiguous: undefined.
 */
export async function publishedAtOf(payload: Payload): Promise<number | undefined> {
  const names = isZip(payload.bytes) ? await zipMemberNames(payload.bytes, ZIP_LIMITS) : [payload.name];
  const instants = names.map(instantInName).filter((instant) => instant !== undefined);
  if (instants.length > 0) return Math.max(...instants);
  return bodyKind(payload.bytes) === 'xml' ? timeDateOf(payload.bytes) : undefined;
}

async function membersOf(payload: Payload): Promise<readonly { name: string; bytes: Buffer }[]> {
  if (!isZip(payload.bytes)) return [payload];
  const members = await readZip(payload.bytes, ZIP_LIMITS);
  if (members.length === 0) throw new BusbarError('MALFORMED', 'the zip is empty');
  return members;
}

function errorIn(bytes: Buffer): BusbarError | undefined {
  const kind = bodyKind(bytes);
  if (kind === 'html') return throttledByPage();
  return kind === 'xml' ? errorFromXml(bytes) : undefined;
}

function instantInName(name: string): number | undefined {
  const parts = /_(\d{4})(\d{2})(\d{2})_(\d{2})_(\d{2})_(\d{2})_v\d+\.(?:csv|xml)$/i.exec(name);
  if (!parts) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts.slice(1).map(Number);
  return instantFromPacific({ year, month, day, hour, minute, second });
}
