/**
 * What goes wrong at vendors, by the same names at every stand-in.
 *
 * - `THROTTLED`: asked too often, as the vendor says it. `SERVER_ERROR`: status 503. `AUTH`: the key or token is unknown or has
 *   ended, as the vendor says it. `NO_DATA`: there is none, as the vendor says it.
 * - `PAGE`: a page of HTML with status 200. `TRUNCATED`: half of the right bytes, and nothing that tells so.
 * - `STALL`: silence. `CUT`: the connection is reset in the middle of the answer.
 * - `OTHER_COLUMNS`: a column is missing. `COLUMN_ORDER`: the columns stand in another order, values with them.
 */
export const TROUBLES = [
  'THROTTLED',
  'SERVER_ERROR',
  'AUTH',
  'NO_DATA',
  'PAGE',
  'TRUNCATED',
  'STALL',
  'CUT',
  'OTHER_COLUMNS',
  'COLUMN_ORDER',
] as const;

export type Trouble = (typeof TROUBLES)[number];

/** Those of a vendor that asks for no credentials. */
export type OpenTrouble = Exclude<Trouble, 'AUTH'>;

/** More than a name says: any status, in the vendor's form or with a body; or silence after the headers or half of the body. */
export type ToldTrouble =
  | { readonly status: number; readonly body?: string }
  | { readonly silentAfter: 'HEADERS' | 'HALF' };

/** A steady share of requests that go wrong. */
export interface FailingShare<Fault> {
  /** 0.05 is one request in twenty. */
  readonly share: number;
  /** Each as likely as the others. */
  readonly troubles: readonly Fault[];
  /** Uniform in [0, 1); the stand-in's own where none is given. */
  readonly random?: () => number;
  /** So many follow one another at most, so that whoever tries again that often gets through; 3. */
  readonly inARowMax?: number;
}

/**
 * Decides for one request after the other.
 * @throws RangeError where the share is no probability, TypeError where there is nothing to go wrong.
 */
export function createFaultDice<Fault>(
  { share, troubles, random, inARowMax = 3 }: FailingShare<Fault>,
  ownRandom: () => number,
): () => Fault | undefined {
  if (!(share >= 0 && share <= 1)) throw new RangeError(`a share is 0 to 1: ${share}`);
  if (troubles.length === 0) throw new TypeError('a share of what?');
  const draw = random ?? ownRandom;
  let inARow = 0;
  return () => {
    const fails = draw() < share && inARow < inARowMax;
    inARow = fails ? inARow + 1 : 0;
    return fails ? troubles[Math.floor(draw() * troubles.length)] : undefined;
  };
}
