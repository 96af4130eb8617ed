import { readCsvTable } from '../../sources/csv-table.ts';
import { isZip, readZip, type ZipLimits } from '../../sources/zip.ts';
import { malformed, type PriceTable } from './price-table.ts';
import { reportNamedIn } from './reports.ts';

/** A day of SCED is 288 files of some 30 kB; the archive gives up to 1,000 files together. */
const ZIP_LIMITS: ZipLimits = { membersMax: 1_000, bytesMax: 256 * 1024 * 1024 };

export interface NamedBytes {
  readonly name: string;
  readonly bytes: Buffer;
}

/**
 * The files of a payload: itself, or the members of a zip. Several documents asked for together come as a zip of zips,
 * which is opened once more and no further.
 * @throws BusbarError `MALFORMED` where a zip is damaged, empty or over its limits.
 */
export async function filesIn(payload: NamedBytes, limits = ZIP_LIMITS): Promise<readonly NamedBytes[]> {
  if (!isZip(payload.bytes)) return [payload];
  const files: NamedBytes[] = [];
  let { bytesMax } = limits;
  for (const member of await unpacked(payload, limits)) {
    const inside = isZip(member.bytes) ? await unpacked(member, { ...limits, bytesMax }) : [member];
    for (const { bytes } of inside) bytesMax -= bytes.length;
    files.push(...inside);
  }
  return files;
}

/**
 * A CSV of the archive, for instance
 *
 *   SCEDTimestamp,RepeatedHourFlag,SettlementPoint,LMP
 *   06/25/2026 00:40:18,N,APPALOSA_ALL,      -38.25
 *
 * @throws BusbarError `MALFORMED` where it is no CSV, or has no header.
 */
export function csvTable({ name, bytes }: NamedBytes): PriceTable {
  const { columns, header, rows } = readCsvTable(bytes, []);
  const whole = isWhole(bytes);
  return {
    says: reportNamedIn(name),
    columns,
    rows: rows.map((row, place) => ({
      get: row.get,
      ragged: row.ragged,
      cutOff: !whole && place === rows.length - 1,
      raw: () => Buffer.from(`${header}\n${row.line}\n`),
    })),
  };
}

/**
 * Whether the last line is whole. Without its end it is where it ends with the flag, which is one letter, or with a price in
 * both of its places.
 */
function isWhole(bytes: Buffer): boolean {
  return /(?:\n|,"?[YN]"?|\.\d\d"?)[ \t\r]*$/i.test(bytes.subarray(-100).toString('latin1'));
}

async function unpacked({ name, bytes }: NamedBytes, limits: ZipLimits): Promise<readonly NamedBytes[]> {
  const members = await readZip(bytes, limits);
  if (members.length === 0) throw malformed(`${name} is an empty zip`);
  return members;
}
