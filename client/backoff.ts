export interface Backoff {
  /** Failures in a row after which it is given up. */
  readonly attemptsMax: number;
  /** Before the first retry; doubled with each further one. */
  readonly delayMsMin: number;
  readonly delayMsMax: number;
}

/** 20 delays add up to 2.5 to 5 minutes: longer than a deployment of the gateway takes, and short enough to be told. */
export const BACKOFF: Backoff = { attemptsMax: 20, delayMsMin: 250, delayMsMax: 20_000 };

/**
 * Doubling, bounded, and between half and the whole of it by chance, so that clients do not all return at once.
 * @param failures in a row, from 1 on.
 */
export function backoffMs({ delayMsMin, delayMsMax }: Backoff, failures: number): number {
  return Math.min(delayMsMin * 2 ** (failures - 1), delayMsMax) * (0.5 + Math.random() / 2);
}

/** Resolves after the time, or at once when the signal aborts. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const wake = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, ms);
    signal.addEventListener('abort', wake);
  });
}
