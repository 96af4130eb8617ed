import { parseInstant } from '../../../domain/instant.ts';
import { marketById, type NodeName, parseNodeName } from '../../../domain/market.ts';
import { PLACE_KINDS, type Place, type PlaceKind, type Validity } from '../../../domain/place.ts';
import { createRecordsDecoder, type Fields, missing, Refusal, shown } from './record.ts';

/**
 * Decodes the topic `nodes`: one record is one UTF-8 JSON object and tells of one pricing node. A file may have several: an array of
 * them, or one a line.
 *
 *     {"node_id":"PJM:WESTERN HUB"}
 *     and, of what is to be told:  "kind":"HUB"  "zone"  "title"  "aliases":["51288"]  "valid_from"  "valid_to"
 *
 * A field that is absent leaves what is known as it is; null says that there is none. Fields beyond these are ignored.
 */
export const decodeNodes = createRecordsDecoder(placeFrom);

const TEXT = /^(?=.*\S)[^\p{Cc}\p{Cs}]{1,200}$/u;
const ALIASES_MAX = 100;

function placeFrom(fields: Fields): Place {
  const valid = validityFrom(fields);
  return {
    node: nodeFrom(fields.node_id),
    ...(fields.kind !== undefined && { kind: kindFrom(fields.kind) }),
    ...(fields.zone !== undefined && { zone: textFrom('zone', fields.zone) }),
    ...(fields.title !== undefined && { title: textFrom('title', fields.title) }),
    ...(fields.aliases !== undefined && { aliases: aliasesFrom(fields.aliases) }),
    ...(valid && { valid }),
  };
}

function nodeFrom(value: unknown): NodeName {
  if (value === undefined || value === null) throw missing('node_id');
  const node = typeof value === 'string' ? parseNodeName(value) : undefined;
  if (node !== undefined) return node;
  const market = typeof value === 'string' ? value.slice(0, Math.max(value.indexOf(':'), 0)) : '';
  throw /^[A-Z]+$/.test(market) && !marketById(market)
    ? new Refusal('UNKNOWN_NODE', `node_id: expected a market of ours at its beginning, got ${shown(value)}`)
    : new Refusal('BAD_VALUE', `node_id: expected MARKET:NAME, got ${shown(value)}`);
}

function kindFrom(value: unknown): PlaceKind | null {
  const kind = value === null ? null : PLACE_KINDS.find((each) => each === value);
  if (kind !== undefined) return kind;
  throw new Refusal('BAD_VALUE', `kind: expected one of ${PLACE_KINDS.join(', ')}, got ${shown(value)}`);
}

function textFrom(field: string, value: unknown): string | null {
  if (value === null || (typeof value === 'string' && TEXT.test(value))) return value;
  const expected = '1 to 200 characters, not all blank and none a control character';
  throw new Refusal('BAD_VALUE', `${field}: expected ${expected}, got ${shown(value)}`);
}

function aliasesFrom(value: unknown): readonly string[] {
  if (value === null) return [];
  if (!Array.isArray(value) || value.length > ALIASES_MAX) {
    throw new Refusal('BAD_VALUE', `aliases: expected an array of at most ${ALIASES_MAX} texts, got ${shown(value)}`);
  }
  const texts = value.map((each: unknown) => textFrom('aliases', each ?? ''));
  return [...new Set(texts.filter((text) => text !== null))].sort();
}

function validityFrom(fields: Fields): Validity | undefined {
  const from = instantFrom(fields, 'valid_from');
  const to = instantFrom(fields, 'valid_to');
  if (from !== undefined && to !== undefined && to <= from) {
    throw new Refusal('BAD_TIME', `valid_to: expected an instant after valid_from, got ${shown(fields.valid_to)}`);
  }
  return from === undefined && to === undefined ? undefined : { from, to: to ?? null };
}

function instantFrom(fields: Fields, field: string): number | undefined {
  const value = fields[field];
  if (value === undefined || value === null) return undefined;
  const instant = typeof value === 'string' ? parseInstant(value) : undefined;
  if (instant !== undefined) return instant;
  throw new Refusal('BAD_TIME', `${field}: expected an ISO 8601 instant with a zone, got ${shown(value)}`);
}
