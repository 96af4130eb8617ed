import type { Reject } from '../../feed.ts';

/** What is wrong with a row. */
export type Problem = Pick<Reject, 'code' | 'reason'>;
