import type { IncomingMessage, ServerResponse } from 'node:http';
import { cutShort, whenClosed } from '../../runtime/http-service.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import { callerOf } from '../caller.ts';
import type { Authenticator } from './authenticator.ts';
import { Session } from './session.ts';
import type { Tenure } from './tenure.ts';

/** How long a stream may take to say how it ended before its connection is reset. */
const LAST_WORDS_MS_MAX = 1_000;

/**
 * Watches over the identity behind an answer that takes long: whoever was admitted once is not for ever. When it ends, the answer
 * has so long to end by itself; then its connection is reset, and nobody takes what came for the whole.
 * @returns until when the answer may go on.
 */
export type AttendAnswer = (request: IncomingMessage, response: ServerResponse, lastWordsMs?: number) => Tenure;

export function createAttendance(options: {
  authenticator: Authenticator;
  metrics: Metrics;
  /** Milliseconds UTC. */
  clock: () => number;
}): AttendAnswer {
  const { authenticator, metrics, clock } = options;
  return (request, response, lastWordsMs = LAST_WORDS_MS_MAX) => {
    let cut: NodeJS.Timeout | undefined;
    const onEnded = () => {
      metrics.streamsEnded.inc();
      cut = setTimeout(() => cutShort(response), lastWordsMs);
    };
    const session = new Session({ authenticator, identity: callerOf(request).identity, clock, onEnded });
    // Who asks is found out by a question to others, during which a client may leave.
    whenClosed(response, () => {
      clearTimeout(cut);
      session.close();
    });
    return session.tenure;
  };
}
