/** What the settings of many sources have in common, so that a feed's own say only what is its own. */
import { z } from 'zod';
import { Secret } from '../../runtime/secret.ts';

/** The names of a list with commas, in their order, once each. */
export function namesIn(text: string): string[] {
  const names = text.split(',').map((each) => each.trim());
  return [...new Set(names.filter(Boolean))];
}

/** Names with commas between them; none where nothing is set. */
export function namesListed() {
  return z.string().default('').transform(namesIn);
}

/** One or more of the names, with commas between them; all of them where nothing is set. */
export function someOf<Name extends string>(all: readonly Name[]) {
  return z
    .string()
    .default(all.join(','))
    .transform((text, context): Name[] => {
      const names = namesIn(text);
      const known = names.flatMap((name) => all.find((each) => each === name) ?? []);
      if (known.length < names.length || known.length === 0) {
        context.addIssue({ code: 'custom', message: `must be one or more of ${all.join(', ')}` });
      }
      return known;
    });
}

export function httpUrl() {
  return z.url({ protocol: /^https?$/, error: 'must be a URL beginning with https:// or http://' });
}

/** @param source what is asked, and what is known of its limit. */
export function spacingMs(ms: number, source: string) {
  return z.coerce
    .number()
    .int()
    .min(0)
    .default(ms)
    .describe(`Least time between two requests to ${source}. Milliseconds.`);
}

/** @param more what else is to be said of how far back. */
export function lookbackHours(source: string, { hoursMax = 31 * 24, more = '' } = {}) {
  return z.coerce
    .number()
    .min(1)
    .max(hoursMax)
    .default(24)
    .describe(`How far a first poll of ${source} goes back${more}. Hours; for more, run a backfill.`);
}

/** Not set: undefined. */
export function secret() {
  return z
    .string()
    .transform((value) => new Secret(value))
    .optional();
}

/** A secret that is sent as a header, which holds no other characters. */
export function headerSecret(source: string) {
  return z
    .string()
    .regex(/^[!-~]+$/, `must be a key as ${source} gives it, without spaces`)
    .transform((value) => new Secret(value))
    .optional();
}
