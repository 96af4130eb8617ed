import { z } from 'zod';
import { BusbarError, messageOf } from '../../../domain/errors.ts';
import { oneLine } from '../../sources/one-line.ts';
import { REPORT_NAMES, type ReportName } from './reports.ts';

/**
 * What an answer holds, before its rows are read:
 *
 *   {"report": "day-ahead", "prices": [row, row, …]}
 *
 * Where there is nothing `prices` is empty.
 */
export interface TemplateAnswer {
  readonly report: ReportName;
  readonly prices: readonly unknown[];
}

const ANSWER = z.object({ report: z.enum(REPORT_NAMES), prices: z.array(z.unknown()) });

/** @throws BusbarError `MALFORMED` for what is no such answer: a page, half of one, another format. */
export function answerIn(bytes: Buffer): TemplateAnswer {
  const text = bytes.toString('utf8');
  const beginning = oneLine(text.slice(0, 100));
  const found = ANSWER.safeParse(parsed(text, beginning));
  if (found.success) return found.data;
  throw new BusbarError('MALFORMED', `the answer has no report and prices: ${beginning}`);
}

function parsed(text: string, beginning: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const what = text.trimStart().startsWith('<') ? 'a page' : 'no JSON, or cut off';
    throw new BusbarError('MALFORMED', `the answer is ${what} (${messageOf(cause)}): ${beginning}`, { cause });
  }
}
