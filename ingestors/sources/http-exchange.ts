import { BusbarError, messageOf } from '../../domain/errors.ts';
import type { CallOutcome } from '../../domain/source-call.ts';
import type { Clock } from '../feed.ts';
import type { HttpAgent } from './http-agent.ts';
import type { HttpAnswer, HttpQuestion } from './http-answer.ts';

/** One question and what became of it. */
export type Exchange = {
  readonly status: number | undefined;
  /** How many of the body came. */
  readonly bytes: number;
} & ({ readonly answer: HttpAnswer } | { readonly error: BusbarError; readonly outcome: CallOutcome });

export interface ExchangeParts {
  readonly agent: HttpAgent;
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly bytesMax: number;
}

/** @throws the signal's reason where it is aborted, and nothing else. */
export async function exchanged(
  parts: ExchangeParts,
  who: string,
  question: HttpQuestion,
  signal: AbortSignal | undefined,
): Promise<Exchange> {
  const deadline = parts.clock.deadline(parts.timeoutMs);
  const chunks: Buffer[] = [];
  let status: number | undefined;
  let bytes = 0;
  try {
    const { statusCode, headers, body } = await parts.agent.request(question.url, {
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
      method: question.method,
      headers: question.headers,
      body: question.body ?? null,
      // The deadline above covers the whole try; undici's own limits would only cut it short.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    status = statusCode;
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
    }
    return { status, bytes, answer: { status, headers, bytes: Buffer.concat(chunks) } };
  } catch (error) {
    signal?.throwIfAborted();
    return { status, bytes, ...failureOf(error, deadline.aborted, parts, who, question) };
  }
}

function failureOf(
  cause: unknown,
  isOver: boolean,
  { timeoutMs, bytesMax }: ExchangeParts,
  who: string,
  { url }: HttpQuestion,
): { readonly error: BusbarError; readonly outcome: CallOutcome } {
  const code = codeOf(cause);
  const error = (kind: 'MALFORMED' | 'SOURCE_FAILED', what: string) =>
    new BusbarError(kind, `${who} ${what}`, { cause });
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE')
    return { error: error('MALFORMED', `answered with more than ${bytesMax} bytes`), outcome: 'MALFORMED' };
  if (code === 'UND_ERR_HEADERS_OVERFLOW')
    return { error: error('MALFORMED', 'answered with headers that are too long'), outcome: 'MALFORMED' };
  if (isOver || code === 'UND_ERR_CONNECT_TIMEOUT')
    return { error: error('SOURCE_FAILED', `did not answer within ${timeoutMs / 1000} s`), outcome: 'TIMEOUT' };
  // Without the path: its query may hold a key, and errors are logged.
  const { origin } = new URL(url);
  return { error: error('SOURCE_FAILED', `lost the connection to ${origin}: ${messageOf(cause)}`), outcome: 'NETWORK' };
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
