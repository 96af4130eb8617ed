import type { Reads } from '../../schema/context.ts';
import { scopedDeskReads } from './desk-reads.ts';
import { scopedFeedReads } from './feed-reads.ts';
import { scopedPriceReads } from './price-reads.ts';
import type { Scopes } from './scopes.ts';

/**
 * The reads of whoever may not see everything: what a question names and is out of scope is `FORBIDDEN`, and what it does not name
 * is narrowed in the statement itself. Each read stands here by its name, so that a new one has to say what it is bound to.
 */
export function scopedReads(reads: Reads, scopes: Scopes): Reads {
  return { ...scopedPriceReads(reads, scopes), ...scopedDeskReads(reads, scopes), ...scopedFeedReads(reads, scopes) };
}
