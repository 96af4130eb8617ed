import { sourceKey, sourceKeyOfFeed } from '../../domain/source-call.ts';
import type { ApiHealthQuestion } from '../../schema/health-rows.ts';
import { Bounds } from './scopes.ts';

/** The sources of the feeds in scope. */
export interface FeedSources {
  /** As `sourceKey` makes them; undefined: any. */
  readonly keys: readonly string[] | undefined;
  /** @throws BusbarError `FORBIDDEN`. */
  require(key: string): void;
  /** The same question about these. @throws BusbarError `FORBIDDEN` for a source it names. */
  within(asked: ApiHealthQuestion): ApiHealthQuestion;
}

export function feedSources(feeds: Bounds): FeedSources {
  const keys = feeds.list && [...new Set(feeds.list.map(sourceKeyOfFeed))];
  const bounds = new Bounds('source', keys ?? 'ALL');
  return {
    keys,
    require: (key) => bounds.require(key),
    within(asked) {
      const narrowed = bounds.unless(asked.source === undefined ? undefined : sourceKey(asked.source));
      return { ...asked, ...(narrowed && { sources: narrowed }) };
    },
  };
}
