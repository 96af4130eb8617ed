import { type ErrorCode, isBusbarError } from '../../domain/errors.ts';
import type { JobStanding } from './jobs.ts';

/** What only planning finds out of a request: a partition or topic that is not there, no nodes to ask for, far too much. */
const CODES: readonly ErrorCode[] = ['BAD_USER_INPUT', 'NOT_FOUND', 'LIMIT_EXCEEDED'];

/** The text that says why a job was not planned: it begins with the error's code where the request is at fault. */
export function refusalText(error: unknown, text: string): string {
  const code = CODES.find((each) => isBusbarError(error, each));
  return code ? `${code}: ${text}` : text;
}

/** Whether a job ended unplanned because what it asks for is wrong: asked again, it would be refused again. */
export function wasRefused({ state, total, error }: Pick<JobStanding, 'state' | 'total' | 'error'>): boolean {
  return state === 'FAILED' && total === null && CODES.some((code) => error?.startsWith(`${code}: `));
}
