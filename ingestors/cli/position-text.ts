import { isoFromInstant } from '../../domain/instant.ts';
import { FEEDS } from '../feeds/index.ts';

/** A position as a person reads it: of a topic an offset, of a polled source an instant. */
export function positionText(feed: string, position: number | null): string | undefined {
  if (position === null) return undefined;
  const kind = FEEDS.find(({ id }) => id === feed)?.source.kind;
  return kind === 'poll' ? isoFromInstant(position) : String(position);
}
