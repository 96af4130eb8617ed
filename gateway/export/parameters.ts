import { z } from 'zod';
import { BusbarError } from '../../domain/errors.ts';
import { isoFromInstant, parseInstant } from '../../domain/instant.ts';
import { MARKET_RUNS } from '../../domain/market-run.ts';
import type { Resolution } from '../../schema/question.ts';
import { holdsUnstorable } from '../../schema/storable-text.ts';
import { FORMATS, type FormatName } from './formats.ts';

/** What a parameter of an export may be. */
export const instant = z.string().transform((text, context) => {
  const parsed = parseInstant(text);
  if (parsed !== undefined) return parsed;
  context.addIssue('not an ISO 8601 instant with a zone, such as 2024-07-04T17:05:00Z (a + is written %2B)');
  return z.NEVER;
});

const RESOLUTIONS = ['RAW', 'FIFTEEN_MINUTES', 'HOUR', 'DAY', 'MONTH'] as const satisfies readonly Resolution[];

export const resolution = z.enum(RESOLUTIONS).default('RAW');
export const run = z.enum(MARKET_RUNS);
/** Read before the question is: how the answer is written has nothing to do with what it is. */
export const format = z.enum(FORMATS).optional();

/**
 * Reads a query string by a strict object of parameters.
 * @throws BusbarError `BAD_USER_INPUT` that says what is wrong with each parameter.
 */
export function parametersFrom<Parameters>(schema: z.ZodType<Parameters>, query: URLSearchParams): Parameters {
  const names = [...query.keys()];
  const repeated = names.find((name, place) => names.indexOf(name) !== place);
  if (repeated !== undefined) throw badParameters([`${shown(repeated)}: given more than once`]);
  const given = Object.fromEntries(query);
  const unstorable = names.find((name) => holdsUnstorable(given[name]));
  if (unstorable !== undefined) throw badParameters([`${shown(unstorable)}: holds a NUL character`]);
  const { data, error } = schema.safeParse(given);
  if (error) throw badParameters(error.issues.map((issue) => `${issue.path.join('.')}: ${problemOf(issue, given)}`));
  return data as Parameters;
}

function problemOf(issue: z.core.$ZodIssue, given: Readonly<Record<string, string>>): string {
  if (issue.code === 'unrecognized_keys') return `there is no parameter ${issue.keys.map(shown).join(', ')}`;
  return Object.hasOwn(given, String(issue.path[0])) ? issue.message : 'is required';
}

function badParameters(problems: readonly string[]): BusbarError {
  return new BusbarError('BAD_USER_INPUT', problems.map((problem) => problem.replace(/^: /, '')).join('; '));
}

/** A parameter's name may be a megabyte too. */
function shown(text: string): string {
  return JSON.stringify(text.length <= 60 ? text : `${text.slice(0, 60)}…`);
}

/** What a file is called by: parts that any file system takes. */
export function fileName(parts: readonly (string | undefined)[]): string {
  const clean = (part: string) => part.replaceAll(/[^\w.-]+/g, '-').slice(0, 40);
  return parts.flatMap((part) => (part === undefined || part === '' ? [] : [clean(part)])).join('_');
}

/** `20240704T1705Z`, to the minute. */
export function fileInstant(instantMs: number): string {
  return `${isoFromInstant(instantMs).slice(0, 16).replaceAll(/[-:]/g, '')}Z`;
}

export function isFormat(text: string): text is FormatName {
  return FORMATS.some((name) => name === text);
}
