/**
 * The markets Busbar knows, and how a pricing node is named: `MARKET:NAME`, for instance `PJM:PJM-WEST`.
 *
 * `identityTolerance` is how far an LMP may stand from the sum of its components (RULES 1), in the market's
 * currency per MWh. PJM rounds energy to cents; SPP and ISO-NE publish exact sums (the tolerance only absorbs binary
 * floating point). `null`: the operator publishes one number, there is nothing to check.
 */
export interface Market {
  readonly id: string;
  readonly name: string;
  readonly operator: string;
  /** IANA zone of the operating day. MISO runs on EST all year. */
  readonly timeZone: string;
  readonly currency: string;
  readonly identityTolerance: number | null;
  readonly onPeak: OnPeakHours;
}

/** Which hours are on-peak, on the market's own clock (RULES 5); a NERC holiday has none. */
export interface OnPeakHours {
  /** Hour-ending, 1 to 24, and so is `lastHourEnding`, which is on-peak too. */
  readonly firstHourEnding: number;
  readonly lastHourEnding: number;
  /** On-peak from Monday, 1, to this day: 5 is Friday, 6 is Saturday. */
  readonly lastWeekday: number;
}

const EXACT = 1e-6;

const EASTERN_PEAK: OnPeakHours = { firstHourEnding: 8, lastHourEnding: 23, lastWeekday: 5 };
const CENTRAL_PEAK: OnPeakHours = { firstHourEnding: 7, lastHourEnding: 22, lastWeekday: 5 };
const WESTERN_PEAK: OnPeakHours = { firstHourEnding: 7, lastHourEnding: 22, lastWeekday: 6 };

export const MARKETS = [
  market('CAISO', 'California', 'California Independent System Operator', 'America/Los_Angeles', 0.0001, WESTERN_PEAK),
  market('ERCOT', 'Texas', 'Electric Reliability Council of Texas', 'America/Chicago', null, CENTRAL_PEAK),
  market('ISONE', 'New England', 'ISO New England', 'America/New_York', EXACT, EASTERN_PEAK),
  market('MISO', 'Midcontinent', 'Midcontinent Independent System Operator', 'Etc/GMT+5', EXACT, CENTRAL_PEAK),
  market('NYISO', 'New York', 'New York Independent System Operator', 'America/New_York', 0.01, EASTERN_PEAK),
  market('PJM', 'Mid-Atlantic', 'PJM Interconnection', 'America/New_York', 0.005, EASTERN_PEAK),
  market('SPP', 'Southwest', 'Southwest Power Pool', 'America/Chicago', EXACT, CENTRAL_PEAK),
] as const satisfies readonly Market[];

const BY_ID: ReadonlyMap<string, Market> = new Map(MARKETS.map((each) => [each.id, each]));

export function marketById(id: string): Market | undefined {
  return BY_ID.get(id);
}

declare const nodeName: unique symbol;
/** `MARKET:NAME`. */
export type NodeName = string & { readonly [nodeName]: true };

const NAME_LENGTH_MAX = 200;

/**
 * What a name may not hold: Postgres refuses U+0000 in text, so that one such name would stop a whole feed, and half a
 * surrogate pair does not survive the way to UTF-8 and back. No operator uses control characters.
 */
const UNSTORABLE = /[\p{Cc}\p{Cs}]/u;

/** @returns undefined where the market is not one of ours, or the name is empty, too long or not storable. */
export function nodeNameFrom(market: string, name: string): NodeName | undefined {
  const valid = BY_ID.has(market) && name.length > 0 && name.length <= NAME_LENGTH_MAX && !UNSTORABLE.test(name);
  return valid ? (`${market}:${name}` as NodeName) : undefined;
}

/** @returns undefined where the text is not `MARKET:NAME` with a market of ours. */
export function parseNodeName(text: string): NodeName | undefined {
  const colon = text.indexOf(':');
  return colon < 0 ? undefined : nodeNameFrom(text.slice(0, colon), text.slice(colon + 1));
}

/** `PJM:PJM-WEST` → `PJM`. */
export function marketOf(node: NodeName): Market {
  const found = BY_ID.get(node.slice(0, node.indexOf(':')));
  if (!found) throw new TypeError(`not a node name: ${node}`);
  return found;
}

/** `PJM:PJM-WEST` → `PJM-WEST`. */
export function localNameOf(node: NodeName): string {
  return node.slice(node.indexOf(':') + 1);
}

function market(
  id: string,
  name: string,
  operator: string,
  timeZone: string,
  identityTolerance: number | null,
  onPeak: OnPeakHours,
): Market {
  return { id, name, operator, timeZone, currency: 'USD', identityTolerance, onPeak };
}
