import type { IncomingHttpHeaders } from 'node:http';

/** How the bytes of a body may be written down where they are not sent as they are. */
export type Coding = 'br' | 'gzip';

/** What the client takes by its `Accept-Encoding`; undefined: as it is. */
export function acceptedCoding(headers: IncomingHttpHeaders): Coding | undefined {
  const header = headers['accept-encoding'];
  const codings = preferencesOf(Array.isArray(header) ? header.join() : (header ?? ''));
  return best(['br', 'gzip'] as const, (coding) => codings.get(coding) ?? codings.get('*') ?? 0);
}

/** The weight of a media type among the ranges of an `Accept`: 0 where it is not taken. */
export function weightOf(mediaType: string, ranges: ReadonlyMap<string, number>): number {
  return ranges.get(mediaType) ?? ranges.get(`${mediaType.split('/', 1)[0]}/*`) ?? ranges.get('*/*') ?? 0;
}

/** The first of those with the greatest weight above 0. */
export function best<Name>(names: readonly Name[], weigh: (name: Name) => number): Name | undefined {
  const weighed = names.map((name) => ({ name, weight: weigh(name) })).filter(({ weight }) => weight > 0);
  const greatest = Math.max(...weighed.map(({ weight }) => weight));
  return weighed.find(({ weight }) => weight === greatest)?.name;
}

/** `a;q=0.5, b` → a: 0.5, b: 1. */
export function preferencesOf(header: string): ReadonlyMap<string, number> {
  const preferences = new Map<string, number>();
  for (const range of header.toLowerCase().split(',')) {
    const [name = '', ...parameters] = range.split(';').map((part) => part.trim());
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    if (name !== '') preferences.set(name, weight === undefined ? 1 : Number(weight) || 0);
  }
  return preferences;
}
