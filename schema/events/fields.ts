/**
 * The fields that the topics share, in JSON Schema (draft 2020-12).
 *
 * `ts` is ISO 8601 with an explicit zone, by custom UTC. `hub` begins with its market: what stands before the first dash is
 * the market's id, and the whole hub is the node's name there (`PJM-WEST` is the node `PJM:PJM-WEST`).
 */
const DATE = '\\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\\d|3[01])';
const HOUR = '([01]\\d|2[0-3])';

/** Whether the month has the day is left to the reader. */
export const TS = {
  type: 'string',
  pattern: `^${DATE}T${HOUR}:[0-5]\\d(:[0-5]\\d(\\.\\d{1,9})?)?(Z|[+-]${HOUR}:[0-5]\\d)$`,
} as const;

/** The start of an hour: no zone of our markets is off UTC by a broken hour. */
export const TS_ON_THE_HOUR = {
  type: 'string',
  pattern: `^${DATE}T${HOUR}:00(:00(\\.0{1,9})?)?(Z|[+-]${HOUR}:00)$`,
} as const;

/** Neither control characters nor half surrogate pairs; that the node is known is for the reference data to say. */
export const HUB = { type: 'string', pattern: '^[A-Z]+-[^\\p{Cc}\\p{Cs}]+$', maxLength: 200 } as const;

/** US dollars per MWh; negative prices are ordinary. */
export const PRICE = { type: 'number' } as const;

/** US dollars per MWh; null or absent where it was not published, never 0. */
export const COMPONENT = { type: ['number', 'null'] } as const;
