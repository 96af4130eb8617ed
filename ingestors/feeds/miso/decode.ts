import { BusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { Decoded, Payload } from '../../feed.ts';
import { failedByPage, isJson, isMarkup, missingFile } from './answers.ts';
import { decodeDayFile } from './day-file.ts';
import { decodeFiveMinute } from './five-minute.ts';
import { isFiveMinuteTable } from './five-minute-table.ts';
import { decodePricingPages } from './pricing-pages.ts';
import { isReportName, REPORTS } from './reports.ts';

/**
 * Decodes a market report, a five-minute display or pages of the pricing API, told apart by what they hold, whole or cut to some
 * nodes; or what MISO says instead.
 *
 * @returns facts in the order of their intervals, of a display in MISO's own.
 * @throws BusbarError `NO_DATA`, `THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED` where MISO says so; `MALFORMED` for what is none
 *   of these, or not what was asked for.
 */
export async function decodeMisoLmp(payload: Payload): Promise<Decoded<LmpFact>> {
  const { bytes, name } = payload;
  if (bytes.length === 0) throw missingFile();
  if (isMarkup(bytes)) throw failedByPage();
  if (!isJson(bytes)) return decodeDayFile(payload);
  if (!isFiveMinuteTable(bytes)) return decodePricingPages(payload);
  if (isReportName(name) && REPORTS[name].kind !== 'display')
    throw new BusbarError('MALFORMED', `${name} was asked for, and a five-minute display came`);
  const decoded = await decodeFiveMinute(bytes);
  if (decoded.facts.length + decoded.rejects.length === 0)
    throw new BusbarError('NO_DATA', 'the display has headers and no rows');
  return decoded;
}
