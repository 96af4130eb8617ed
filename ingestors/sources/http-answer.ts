import { BusbarError } from '../../domain/errors.ts';

/** What a source answered, whole. */
export interface HttpAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  /**
   * What the status means by itself where it is none of 2xx, with `details.status` and the beginning of the body in
   * `details.body`: for `read` to throw where the body says nothing else.
   */
  readonly refusal?: BusbarError;
}

/** @throws what counts as the answer's failure. */
export type ReadAnswer<T> = (answer: HttpAnswer) => T | Promise<T>;

export interface HttpQuestion {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * @param who the source and the endpoint.
 * @returns undefined for 2xx.
 */
export function refusalIn(answer: HttpAnswer, who: string, question: HttpQuestion, now: number) {
  const { status, bytes } = answer;
  if (status >= 200 && status <= 299) return undefined;
  const body = withoutSecrets(bytes.subarray(0, 500).toString('utf8'), question);
  const details = { status, body, ...retryAfter(answer, now) };
  const message = `${who} answered with status ${status}`;
  if (status === 429) return new BusbarError('THROTTLED', message, { details });
  return new BusbarError(isPassing(status) ? 'SOURCE_FAILED' : 'SOURCE_REFUSED', message, { details });
}

/** Whether another try may be answered otherwise. */
export function isPassing(status: number): boolean {
  return status >= 500 || status === 408 || status === 429;
}

/** A source may repeat in its error what it was sent. Whoever asks names no other headers than these without a secret. */
export function withoutSecrets(text: string, { headers }: HttpQuestion): string {
  const secrets = Object.entries(headers)
    .filter(([name]) => !/^(?:accept|content-type|if-.*)$/i.test(name))
    .flatMap(([, value]) => [value, ...value.split(' ').slice(1)]);
  // What is shorter than a key would be found in any text.
  return secrets.filter(({ length }) => length >= 6).reduce((said, secret) => said.replaceAll(secret, '…'), text);
}

/** RFC 9110, 10.2.3: seconds, or an HTTP date. */
function retryAfter(answer: HttpAnswer, now: number): { readonly retryAfterMs?: number } {
  const value = answer.headers['retry-after'];
  if (typeof value !== 'string') return {};
  const ms = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return Number.isFinite(ms) ? { retryAfterMs: Math.max(0, ms) } : {};
}
