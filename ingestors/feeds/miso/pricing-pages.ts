import { BusbarError } from '../../../domain/errors.ts';
import { MINUTE_MS } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { nodeNameFrom } from '../../../domain/market.ts';
import { intervalMinutesOf } from '../../../domain/market-run.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { errorInDocument } from './answers.ts';
import { instantFromEst } from './eastern-standard.ts';
import { type Problem, pricesFrom } from './prices.ts';

/**
 * What the pricing API answers, a page or several, one JSON text after the other:
 *
 *   {"data":[{"node":"INDIANA.HUB","lmp":22.1,"mcc":0.03,"mec":21.34,"mlc":0.73,
 *             "timeInterval":{"start":"2025-11-02T00:00:00","end":"2025-11-02T00:05:00",…}},…],
 *    "page":{"pageNumber":1,"totalPages":3,"lastPage":false,…}}
 *
 * Times are Eastern Standard Time, of the beginning and the end. Of which market they are, and whether preliminary, a page does
 * not say: the payload's name must.
 *
 * @throws BusbarError what a document among them says instead of data (`NO_DATA`, `THROTTLED`, …); `NO_DATA` where there is no
 *   row; `MALFORMED` where one is no such page.
 */
export function decodePricingPages({ bytes, name }: Payload): Decoded<LmpFact> {
  const pages = jsonTexts(bytes.toString('utf8')).map(pageFrom);
  const report = reportNamedIn(name);
  const facts: LmpFact[] = [];
  const rejects: Reject[] = [];
  for (const row of pages.flatMap(({ data }) => data)) {
    const outcome = factFrom(row, report);
    if ('reason' in outcome)
      rejects.push({ ...outcome, raw: Buffer.from(JSON.stringify({ data: [row], page: LAST })) });
    else facts.push(outcome);
  }
  if (facts.length + rejects.length === 0) throw new BusbarError('NO_DATA', 'the pages have no rows');
  return { facts: facts.sort((a, b) => a.startAt - b.startAt), rejects };
}

export interface PricingPage {
  readonly data: readonly unknown[];
  readonly isLast: boolean;
  /** Whether any row has a price. */
  readonly hasPrices: boolean;
}

const LAST = { lastPage: true };

/** Throws as `decodePricingPages` does. */
export function pageFrom(text: string): PricingPage {
  const document = parsed(text);
  const error = errorInDocument(document);
  if (error) throw error;
  const { data, page } = asObject(document) ?? {};
  const { lastPage } = asObject(page) ?? {};
  if (!Array.isArray(data) || typeof lastPage !== 'boolean')
    throw malformed('there is no list data, or no page.lastPage');
  const hasPrices = data.some((row) => Object.hasOwn(asObject(row) ?? {}, 'lmp'));
  return { data, isLast: lastPage, hasPrices };
}

type Told = Pick<LmpFact, 'run' | 'preliminary'>;

function reportNamedIn(name: string): Told {
  if (!/lmp[-_]?expost/i.test(name))
    throw malformed(`${name} does not tell that they are ex-post: name the file as in real-time-lmp-expost.json`);
  if (/day[-_]?ahead/i.test(name)) return { run: 'DAY_AHEAD_HOURLY' };
  const run = /hourly/i.test(name) ? 'REAL_TIME_HOURLY' : 'REAL_TIME_5_MIN';
  return /prelim/i.test(name) ? { run, preliminary: true } : { run };
}

function factFrom(row: unknown, { run, ...told }: Told): LmpFact | Problem {
  const { node: name, lmp, mcc, mlc, mec, timeInterval } = asObject(row) ?? {};
  const node = typeof name === 'string' ? nodeNameFrom('MISO', name) : undefined;
  if (!node) return { code: 'MISSING_FIELD', reason: 'node is missing or no name' };
  const { start, end } = asObject(timeInterval) ?? {};
  const [startAt, endAt] = [instantFromEst(String(start)), instantFromEst(String(end))];
  const lengthMs = (intervalMinutesOf(run) ?? 0) * MINUTE_MS;
  if (startAt === undefined || endAt !== startAt + lengthMs)
    return { code: 'BAD_TIME', reason: `${node} is of "${start}" to "${end}", which is no interval of ${run}` };
  const prices = pricesFrom({ lmp: textOf(lmp), mcc: textOf(mcc), mlc: textOf(mlc), mec: textOf(mec) });
  if ('reason' in prices) return { code: prices.code, reason: `${node} at ${start}: ${prices.reason}` };
  return { node, run, startAt, endAt, ...prices, ...told };
}

/** Numbers as they are written; what is no number is refused where it is read as one. */
function textOf(value: unknown): string {
  return value === undefined || value === null ? '' : String(value);
}

/** Cuts JSON texts that stand one after the other, wherever their lines end. */
function jsonTexts(text: string): string[] {
  const texts: string[] = [];
  let [depth, start, isText] = [0, 0, false];
  for (let at = 0; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') isText = !isText;
    else if (isText) at += sign === '\\' ? 1 : 0;
    else if (sign === '{') depth += 1;
    else if (sign === '}' && --depth === 0) {
      texts.push(text.slice(start, at + 1));
      start = at + 1;
    }
  }
  if (text.slice(start).trim() !== '') texts.push(text.slice(start));
  return texts;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw malformed('the JSON cannot be read or is cut off', cause);
  }
}

function asObject(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? Object.fromEntries(Object.entries(value)) : undefined;
}

function malformed(reason: string, cause?: unknown): BusbarError {
  return new BusbarError('MALFORMED', `these are no pages of MISO’s pricing API: ${reason}`, { cause });
}
