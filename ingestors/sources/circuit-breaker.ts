import { BusbarError } from '../../domain/errors.ts';
import { HOUR_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import type { CallOutcome } from '../../domain/source-call.ts';
import type { Clock } from '../feed.ts';

/**
 * Leaves a source alone for a while that fails again and again, or that does not know us: a wrong password asked with each
 * minute locks an account.
 *
 *               so many in a row              the pause is over
 *   closed ─────────────────────▶ open ◀────────────────────────▶ trying (one call; all others fail)
 *     ▲                              ▲                              │  │
 *     │                              └── fails: twice the pause ────┘  │
 *     └─────────────────────────── any answer ─────────────────────────┘
 *
 * Failures and refusals are each counted by themselves, and any other answer begins anew.
 */
export interface CircuitBreaker {
  isOpen(): boolean;
  /** @throws BusbarError `SOURCE_FAILED` while it is open, with `details.retryAfterMs`, until when at most. */
  assertAsked(): void;
  /** Takes the one call that is let through after a pause. Throws as `assertAsked` does. */
  begin(): BegunCall;
}

export interface BegunCall {
  /** @param why one line, as it is told to those who are then not let through. */
  ended(outcome: CallOutcome, why: string | undefined): void;
  /** It was broken off, and tells nothing. */
  dropped(): void;
}

export interface BreakerSettings {
  readonly failed: BreakerLimits;
  readonly refused: BreakerLimits;
}

export interface BreakerLimits {
  /** So many in a row open it. */
  readonly rowMax: number;
  /** The first pause; each further one is twice as long. */
  readonly pauseMs: number;
  readonly pauseMsMax: number;
}

/** Two polls of five tries fail before; a wrong password is tried less often than locks an account. */
export const BREAKER: BreakerSettings = {
  failed: { rowMax: 10, pauseMs: 30_000, pauseMsMax: 10 * MINUTE_MS },
  refused: { rowMax: 3, pauseMs: 15 * MINUTE_MS, pauseMsMax: 2 * HOUR_MS },
};

type Kind = keyof BreakerSettings;

const KINDS: Readonly<Partial<Record<CallOutcome, Kind>>> = {
  TIMEOUT: 'failed',
  NETWORK: 'failed',
  SERVER_ERROR: 'failed',
  AUTH: 'refused',
};

interface Row {
  readonly kind: Kind;
  readonly count: number;
  readonly why: string | undefined;
}

interface Pause {
  readonly until: number;
  readonly ms: number;
}

export function createCircuitBreaker(
  source: string,
  clock: Pick<Clock, 'now'>,
  settings: BreakerSettings,
): CircuitBreaker {
  let row: Row | undefined;
  let pause: Pause | undefined;
  let isTrying = false;

  const assertAsked = () => {
    if (!pause) return;
    const now = clock.now();
    // A clock that was set back must not make the pause a longer one.
    const isOver = now >= pause.until || now < pause.until - pause.ms;
    if (isTrying || !isOver) throw leftAlone(source, row, isOver ? now : pause.until, now);
  };
  const ended = (kind: Kind | undefined, why: string | undefined, isTrial: boolean) => {
    if (!kind) {
      row = undefined;
      pause = undefined;
    } else if (isTrial || !pause) {
      row = { kind, count: row?.kind === kind ? row.count + 1 : 1, why };
      if (isTrial || row.count >= settings[kind].rowMax) pause = pauseAfter(pause, settings[kind], clock.now());
    }
  };
  return {
    isOpen: () => pause !== undefined,
    assertAsked,
    begin: () => {
      assertAsked();
      const isTrial = pause !== undefined;
      isTrying = isTrial;
      const over = () => {
        if (isTrial) isTrying = false;
      };
      return {
        ended: (outcome, why) => {
          over();
          ended(KINDS[outcome], why, isTrial);
        },
        dropped: over,
      };
    },
  };
}

function pauseAfter(last: Pause | undefined, { pauseMs, pauseMsMax }: BreakerLimits, now: number): Pause {
  const ms = Math.min(Math.max(pauseMs, (last?.ms ?? 0) * 2), pauseMsMax);
  return { until: now + ms, ms };
}

function leftAlone(source: string, row: Row | undefined, until: number, now: number): BusbarError {
  const calls = `${row?.count} ${row?.kind} call${row?.count === 1 ? '' : 's'} in a row`;
  const message = `${source} is left alone until ${isoFromInstant(until)}, after ${calls}: ${row?.why}`;
  return new BusbarError('SOURCE_FAILED', message, { details: { retryAfterMs: until - now } });
}
