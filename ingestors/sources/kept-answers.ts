import type { HttpAnswer } from './http-answer.ts';

/** The answers of a source that it can be asked about again by "only if it has changed", the least used ones dropped first. */
export interface KeptAnswers {
  get(url: string): HttpAnswer | undefined;
  /** Keeps what has an `ETag` or a `Last-Modified` and is not too large. */
  keep(url: string, answer: HttpAnswer): void;
  forget(url: string): void;
}

/** @param bytesMax of all bodies together. */
export function createKeptAnswers(bytesMax: number): KeptAnswers {
  // In the order of use, the latest last.
  const answers = new Map<string, HttpAnswer>();
  let bytes = 0;
  const forget = (url: string) => {
    bytes -= answers.get(url)?.bytes.length ?? 0;
    answers.delete(url);
  };
  const keep = (url: string, answer: HttpAnswer) => {
    forget(url);
    if (Object.keys(conditionsOf(answer)).length === 0 || answer.bytes.length > bytesMax) return;
    answers.set(url, answer);
    bytes += answer.bytes.length;
    for (const [oldest] of answers) {
      if (bytes <= bytesMax) break;
      forget(oldest);
    }
  };
  return {
    get: (url) => {
      const answer = answers.get(url);
      if (answer) keep(url, answer);
      return answer;
    },
    keep,
    forget,
  };
}

/** RFC 9110, 13.1: what makes a question conditional on what is kept. */
export function conditionsOf({ headers }: HttpAnswer): Readonly<Record<string, string>> {
  const { etag, 'last-modified': lastModified } = headers;
  return {
    ...(typeof etag === 'string' && { 'if-none-match': etag }),
    ...(typeof lastModified === 'string' && { 'if-modified-since': lastModified }),
  };
}
