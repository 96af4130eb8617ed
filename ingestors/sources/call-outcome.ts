import { type BusbarError, isBusbarError } from '../../domain/errors.ts';
import type { CallOutcome } from '../../domain/source-call.ts';

/** How a call ended whose answer has nothing of what was asked for, or cannot be read. */
export function outcomeOfAnswer({
  noData,
  damaged,
}: {
  readonly noData?: boolean;
  readonly damaged?: boolean;
}): CallOutcome {
  if (damaged) return 'MALFORMED';
  return noData ? 'NO_DATA' : 'OK';
}

/** How a call ended whose answer failed with this, by its status or by what was read in it. */
export function outcomeOfFailure(error: unknown, status: number): CallOutcome {
  if (!isBusbarError(error)) return 'MALFORMED';
  switch (error.code) {
    case 'NO_DATA':
    case 'THROTTLED':
      return error.code;
    case 'SOURCE_REFUSED':
      return isAboutWho(error, status) ? 'AUTH' : 'REFUSED';
    case 'SOURCE_FAILED':
      return status >= 200 && status <= 299 ? 'MALFORMED' : 'SERVER_ERROR';
    default:
      return 'MALFORMED';
  }
}

/**
 * A source may say with another status, or with a body, that it does not know us: its error then has a status of its own, or, as
 * of a login, `details.isAuth`.
 */
function isAboutWho({ details }: BusbarError, status: number): boolean {
  if (details.isAuth === true) return true;
  const said = typeof details.status === 'number' ? details.status : status;
  return said === 401 || said === 403;
}
