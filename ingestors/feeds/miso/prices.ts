import type { LmpFact } from '../../../domain/lmp.ts';
import type { RejectCode } from '../../feed.ts';

export type Prices = Pick<LmpFact, 'lmp' | 'energy' | 'congestion' | 'loss' | 'ghg'>;

export interface Problem {
  readonly code: RejectCode;
  readonly reason: string;
}

/** Prices as MISO writes them; blank where it does not. */
export interface PriceTexts {
  readonly lmp: string;
  readonly mcc: string;
  readonly mlc: string;
  /** Only the pricing API has it. */
  readonly mec?: string;
}

/** `33.04`, `-1`, and `.15` without its zero. Nothing else: `$1,250.00` is refused rather than guessed. */
const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)$/;

/** Beyond so many places nothing is published, and the scaling below would no longer be exact. */
const PLACES_MAX = 9;

/**
 * The numbers of one fact. Blank is not 0: a blank LMP is a problem, a blank component is null. Energy that is not published
 * is what is left of the LMP, to the last place that is published, and null where a component is.
 */
export function pricesFrom(texts: PriceTexts): Prices | Problem {
  const unreadable = [texts.lmp, texts.mcc, texts.mlc, texts.mec ?? ''].find(
    (text) => text !== '' && !DECIMAL.test(text),
  );
  if (unreadable !== undefined)
    return { code: 'BAD_VALUE', reason: `a price is "${unreadable}", expected a decimal number` };
  const lmp = numberFrom(texts.lmp);
  if (lmp === null) return { code: 'MISSING_FIELD', reason: 'the LMP is blank' };
  const congestion = numberFrom(texts.mcc);
  const loss = numberFrom(texts.mlc);
  const energy = texts.mec === undefined ? restOf(texts, lmp, congestion, loss) : numberFrom(texts.mec);
  return { lmp, energy, congestion, loss, ghg: null };
}

function restOf(texts: PriceTexts, lmp: number, congestion: number | null, loss: number | null): number | null {
  if (congestion === null || loss === null) return null;
  const scale = 10 ** Math.min(PLACES_MAX, Math.max(placesIn(texts.lmp), placesIn(texts.mcc), placesIn(texts.mlc)));
  // Adding 0 makes -0 an ordinary 0.
  return Math.round((lmp - congestion - loss) * scale) / scale + 0;
}

function placesIn(text: string): number {
  const point = text.indexOf('.');
  return point < 0 ? 0 : text.length - point - 1;
}

function numberFrom(text: string): number | null {
  return text === '' ? null : Number(text) + 0;
}
