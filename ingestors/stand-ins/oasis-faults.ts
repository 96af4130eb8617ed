import { noise } from './oasis-report.ts';

/**
 * An answer instead of the right one: a status, a page, an error code of OASIS, half a zip, or none at all until the
 * connection is closed after `stallMs`.
 */
export type Fault =
  | { readonly status: number }
  | { readonly page: true }
  | { readonly oasisCode: number }
  | { readonly damaged: true }
  | { readonly stallMs: number };

/** How often a fault happens: 0.05 is one request in twenty. */
export interface FaultRate {
  readonly rate: number;
  readonly fault: Fault;
}

export interface RandomFaults {
  readonly rates: readonly FaultRate[];
  /** So many faults follow one another at most, so that whoever tries again that often gets through; 3. */
  readonly inARowMax?: number;
}

/**
 * Decides for one request after the other. The same seed gives the same faults.
 * @throws RangeError where the rates are no probabilities.
 */
export function createFaultDice(seed: number, { rates, inARowMax = 3 }: RandomFaults): () => Fault | undefined {
  const sum = rates.reduce((total, { rate }) => total + rate, 0);
  if (rates.some(({ rate }) => !(rate >= 0)) || sum > 1)
    throw new RangeError(`rates of faults must sum to 0 to 1: ${sum}`);
  let thrown = 0;
  let inARow = 0;
  return () => {
    thrown += 1;
    const fault = inARow < inARowMax ? faultAt(rates, noise(`${seed}|fault|${thrown}`)) : undefined;
    inARow = fault ? inARow + 1 : 0;
    return fault;
  };
}

function faultAt(rates: readonly FaultRate[], place: number): Fault | undefined {
  let reached = 0;
  return rates.find(({ rate }) => {
    reached += rate;
    return place < reached;
  })?.fault;
}
