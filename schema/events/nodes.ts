import { PLACE_KINDS, type PlaceKind } from '../../domain/place.ts';
import { TS } from './fields.ts';

/**
 * What is known of a pricing node beside its prices: one record of topic `nodes`, keyed by node. A field that is absent stays as
 * it is.
 *
 * A record without `valid_from` and `valid_to` says what the node is now. With `valid_from` it states what holds from then on, until
 * `valid_to` or the next such record of the node; with `valid_to` alone it retires the node. What is stated stands against
 * whatever reports of prices say of the node.
 */
export interface NodeEvent {
  /** `MARKET:NAME`; registered where it is new. */
  readonly node_id: string;
  readonly kind?: PlaceKind | null;
  readonly zone?: string | null;
  /** The name for people. */
  readonly title?: string | null;
  /** Other names of it: all there are. */
  readonly aliases?: readonly string[] | null;
  readonly valid_from?: string | null;
  /** Exclusive. */
  readonly valid_to?: string | null;
}

/** Not all of it blank, neither control characters nor half surrogate pairs. */
const TEXT = { type: ['string', 'null'], pattern: '^(?=.*\\S)[^\\p{Cc}\\p{Cs}]{1,200}$' } as const;

export const NODES_SCHEMA = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'nodes',
  type: 'object',
  required: ['node_id'],
  properties: {
    node_id: { type: 'string', pattern: '^[A-Z]+:[^\\p{Cc}\\p{Cs}]{1,200}$' },
    kind: { enum: [...PLACE_KINDS, null] },
    zone: TEXT,
    title: TEXT,
    aliases: { type: ['array', 'null'], items: { ...TEXT, type: 'string' }, maxItems: 100 },
    valid_from: { ...TS, type: ['string', 'null'] },
    valid_to: { ...TS, type: ['string', 'null'] },
  },
} as const;
