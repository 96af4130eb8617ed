import type { Queryable } from '../../../prisma/queryable.ts';
import type { Placed, WriteContext, Written } from './family.ts';

/** Made by `createVersionWriter`. */
type VersionWriter<Fact> = (
  client: Queryable,
  facts: readonly Fact[],
  by: { readonly ledgerId: number; readonly now: number; readonly keepLate: boolean },
) => Promise<Pick<Written, 'written' | 'revised' | 'unchanged'>>;

/** The `write` of a family whose facts are versions in a table of their own, and are told to nobody. */
export function writtenBy<Fact>(writeVersions: VersionWriter<Fact>) {
  return async (
    client: Queryable,
    placed: readonly Placed<Fact, null>[],
    { ledgerId, now, kind }: WriteContext,
  ): Promise<Written> => {
    const facts = placed.map(({ fact }) => fact);
    const written = await writeVersions(client, facts, { ledgerId, now, keepLate: kind !== 'REPLAY' });
    return { ...written, written: written.written - written.revised, refused: [], news: {} };
  };
}
