import type { Metrics } from '../../runtime/metrics.ts';

/** How many questions to the cache came to what: `hit`, `miss`, `bypass`, `error`. */
export async function cacheOutcomes({
  cacheRequests,
}: Pick<Metrics, 'cacheRequests'>): Promise<Record<string, number>> {
  const { values } = await cacheRequests.get();
  return Object.fromEntries(values.map(({ labels, value }) => [labels.outcome, value]));
}
