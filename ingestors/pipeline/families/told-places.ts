import { z } from 'zod';
import { DAY_MS, isInstant, isoFromInstant } from '../../../domain/instant.ts';
import { type NodeName, parseNodeName } from '../../../domain/market.ts';
import { PLACE_KINDS, type Place, SINCE_EVER } from '../../../domain/place.ts';
import { type DatedPlace, datedPlace, writePlaces } from '../store/write-places.ts';
import type { Impossible, Version } from '../validate.ts';
import type { FamilyOf } from './family.ts';
import { AT_NODES } from './places.ts';
import { impossibleVersion } from './plausible.ts';

/** A node is retired, or renamed, some years ahead at most: beyond it a year has lost a digit. */
const AHEAD_MS_MAX = 3_653 * DAY_MS;

/** What is known of pricing nodes beside their prices, told by itself. */
export function createToldPlacesFamily(): FamilyOf<'places'> {
  return {
    places: AT_NODES,
    judge,
    rangeOf: ({ at }) => ({ from: at, to: at }),
    textOf: (place) => JSON.stringify(place),
    factFrom: (text) => FACT.parse(JSON.parse(text)),
    write: async (client, placed, { ledgerId }) => {
      const { written, revised, unchanged } = await writePlaces(client, placed, ledgerId);
      return { written, revised, unchanged, refused: [], news: {} };
    },
    committed: () => {},
  };
}

function judge(place: Place, version: Version, now: number): DatedPlace | Impossible {
  const impossible = impossibleVersion(version, now);
  if (impossible) return impossible;
  for (const at of [place.at, place.valid?.from, place.valid?.to]) {
    if (at === undefined || at === null || (at >= SINCE_EVER && at <= now + AHEAD_MS_MAX)) continue;
    const shown = isInstant(at) ? isoFromInstant(at) : String(at);
    return { code: 'BAD_TIME', reason: `${shown} is not between 1998 and ten years from now` };
  }
  return datedPlace(place, version.publishedAt, now);
}

const FACT = z
  .object({
    node: z.string().transform((text, context): NodeName => {
      const node = parseNodeName(text);
      if (node) return node;
      context.addIssue({ code: 'custom', message: 'must be MARKET:NAME' });
      return z.NEVER;
    }),
    at: z.number().exactOptional(),
    kind: z.enum(PLACE_KINDS).nullable().exactOptional(),
    zone: z.string().nullable().exactOptional(),
    title: z.string().nullable().exactOptional(),
    aliases: z.array(z.string()).exactOptional(),
    valid: z
      .object({ from: z.number().optional(), to: z.number().nullable() })
      .transform(({ from, to }) => ({ from, to }))
      .exactOptional(),
  })
  .strip();
