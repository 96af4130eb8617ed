/**
 * The fields that the three price topics share, in JSON Schema (draft 2020-12).
 *
 * `ts` is ISO 8601 with an explicit zone, by custom UTC. `hub` begins with its market: what stands before the first dash is
 * the market's id, and the whole hub is the node's name there (`PJM-WEST` is the node `PJM:PJM-WEST`).
 */
export const TS = {
  type: 'string',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d{1,9})?)?(Z|[+-]\\d{2}:\\d{2})$',
} as const;

/** The start of an hour: no zone of our markets is off UTC by a broken hour. */
export const TS_ON_THE_HOUR = {
  type: 'string',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:00(:00(\\.0{1,9})?)?(Z|[+-]\\d{2}:00)$',
} as const;

export const HUB = { type: 'string', pattern: '^[A-Z]+-.+$', maxLength: 200 } as const;

/** US dollars per MWh; negative prices are ordinary. */
export const PRICE = { type: 'number' } as const;

/** US dollars per MWh; null or absent where it was not published, never 0. */
export const COMPONENT = { type: ['number', 'null'] } as const;
