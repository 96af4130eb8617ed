import type { NodeName } from '../../domain/market.ts';
import type { Place, PlaceKind } from '../../domain/place.ts';
import type { Decoded } from '../feed.ts';

/** What a payload's rows tell of nodes, each of them once: as the first of its rows says. */
export interface ToldPlaces {
  /** Whether nothing was told of the node yet, so that the rest of its rows cost one look-up each. */
  isNew(node: NodeName): boolean;
  tell(node: NodeName, said: Said): void;
  /** @param at when it is so: the start of the payload's first interval; undefined: there is none, and nothing is told. */
  since(at: number | undefined): Pick<Decoded<unknown>, 'places'>;
  /** Where the payload is of no time: when it was published. */
  undated(): Pick<Decoded<unknown>, 'places'>;
}

/** As the vendor writes it; what is absent was not mentioned, and null or blank is known to be none. */
export interface Said {
  readonly kind?: PlaceKind | null | undefined;
  readonly zone?: unknown;
  readonly title?: unknown;
  readonly aliases?: readonly unknown[] | undefined;
}

export function createToldPlaces(): ToldPlaces {
  const told = new Map<NodeName, Place>();
  return {
    isNew: (node) => !told.has(node),
    tell: (node, { kind, zone, title, aliases }) => {
      told.set(node, {
        node,
        ...(kind !== undefined && { kind }),
        ...(zone !== undefined && { zone: textFrom(zone) }),
        ...(title !== undefined && { title: textFrom(title) }),
        ...(aliases !== undefined && { aliases: aliasesFrom(aliases, node) }),
      });
    },
    since: (at) => {
      if (at === undefined || told.size === 0) return {};
      return { places: Array.from(told.values(), (place) => ({ ...place, at })) };
    },
    undated: () => ({ places: [...told.values()] }),
  };
}

const LENGTH_MAX = 200;

/** What no store takes, see `nodeNameFrom`. */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/u;

function textFrom(value: unknown): string | null {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || text.length > LENGTH_MAX || UNSTORABLE.test(text)) return null;
  return text.trim() || null;
}

/** A node's own name is no other name of it. */
function aliasesFrom(values: readonly unknown[], node: NodeName): readonly string[] {
  const name = node.slice(node.indexOf(':') + 1);
  const texts = values.map(textFrom).filter((text) => text !== null && text !== name);
  return [...new Set(texts)].filter((text) => text !== null).sort();
}
