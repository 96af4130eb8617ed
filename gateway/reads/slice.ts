import type { Page, Slice } from '../../schema/context.ts';

/** @param rows as many as the page holds and one more, which only tells that there is more. */
export function sliceFrom<Row>(rows: readonly Row[], page: Page<unknown>): Slice<Row> {
  return { rows: rows.slice(0, page.first), hasNextPage: rows.length > page.first };
}
