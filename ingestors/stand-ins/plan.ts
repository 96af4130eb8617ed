import type { Environment } from '../../runtime/config.ts';

/** How `npm start -- --stand-ins` simulates a vendor, and how a feed finds it. */
export interface StandInPlan {
  readonly vendor: string;
  /** For the log. */
  readonly simulates: string;
  /** Variables that say where the real one is. */
  readonly urls: readonly string[];
  open(given: Environment, now: () => number): Promise<OpenStandIn>;
}

export interface OpenStandIn {
  readonly origin: string;
  /** What the feed reads, as far as it has no default that fits. */
  readonly environment: Environment;
  close(): Promise<void>;
}

/** Looser than any vendor's: something is to be seen within a minute. */
export const SPACING = '50';
export const LIMIT = { requests: 1_200, windowMs: 60_000 };

export function opened(
  { origin, close }: Pick<OpenStandIn, 'origin' | 'close'>,
  environment: Environment,
): OpenStandIn {
  return { origin, close, environment };
}

/** A list with commas. */
export function listed(text: string): readonly string[] {
  return text
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
}
