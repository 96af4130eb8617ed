import { noise } from './noise.ts';

/**
 * What makes the stand-ins' prices look like a market's: a pure function of market, place and instant. The energy of a market
 * follows its day, with a morning and an evening peak, sun at noon and wind at night; real time strays from what the day ahead
 * foresaw, by the hour and by the interval, and spikes at times. Places are congested for hours together, some so much that
 * their price is negative.
 */
export interface PriceParts {
  /** $/MWh, not rounded: how a vendor rounds is its own affair. */
  readonly energy: number;
  readonly congestion: number;
  readonly loss: number;
}

export interface PriceAsked {
  readonly market: MarketShapeName;
  readonly ahead: boolean;
  readonly place: string;
  /** Start of the interval, milliseconds UTC. */
  readonly startMs: number;
  readonly seed?: number;
}

export type MarketShapeName = keyof typeof SHAPES;

interface MarketShape {
  /** Of the market's winter clock: in summer its day is an hour off, which no price tells. */
  readonly utcOffsetHours: number;
  readonly base: number;
  readonly morning: number;
  readonly evening: number;
  readonly sun: number;
  readonly wind: number;
}

const SHAPES = {
  CAISO: { utcOffsetHours: -8, base: 38, morning: 14, evening: 42, sun: 40, wind: 4 },
  ERCOT: { utcOffsetHours: -6, base: 28, morning: 6, evening: 34, sun: 12, wind: 16 },
  ISONE: { utcOffsetHours: -5, base: 41, morning: 12, evening: 22, sun: 10, wind: 6 },
  MISO: { utcOffsetHours: -5, base: 30, morning: 8, evening: 16, sun: 4, wind: 12 },
  NYISO: { utcOffsetHours: -5, base: 39, morning: 12, evening: 20, sun: 6, wind: 8 },
  PJM: { utcOffsetHours: -5, base: 33, morning: 10, evening: 18, sun: 4, wind: 8 },
  SPP: { utcOffsetHours: -6, base: 24, morning: 8, evening: 16, sun: 6, wind: 22 },
  'SPP west': { utcOffsetHours: -7, base: 40, morning: 8, evening: 26, sun: 26, wind: 4 },
} satisfies Readonly<Record<string, MarketShape>>;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** How long a place stays congested, or not. */
const CONGESTED_MS = 4 * HOUR_MS;

export function pricePartsOf({ market, ahead, place, startMs, seed = 1 }: PriceAsked): PriceParts {
  const energy = energyOf(market, ahead, startMs, seed);
  const congestion = congestionOf(`${seed}|${market}|${place}`, ahead, startMs);
  return { energy, congestion, loss: energy * 0.05 * (noise(`${seed}|${market}|${place}|loss`) - 0.5) };
}

function energyOf(market: MarketShapeName, ahead: boolean, startMs: number, seed: number): number {
  const shape = SHAPES[market];
  const localMs = startMs + shape.utcOffsetHours * HOUR_MS;
  const hour = (localMs % DAY_MS) / HOUR_MS;
  const day = Math.floor(localMs / DAY_MS);
  // 1970 began on a Thursday.
  const weekend = (day + 4) % 7 === 0 || (day + 4) % 7 === 6 ? 0.85 : 1;
  const weather = 0.8 + 0.4 * noise(`${seed}|${market}|${day}`);
  const foreseen =
    weekend *
    (shape.base +
      shape.morning * bell(hour, 8, 2) +
      shape.evening * bell(hour, 18.5, 2.5) -
      weather * (shape.sun * bell(hour, 12.5, 2.5) + shape.wind * bell(hour, 3, 2.5)));
  return ahead ? foreseen : foreseen + unforeseen(`${seed}|${market}`, shape, startMs);
}

/** Of the hour, which lasts, and of the interval; one hour in sixty has a spike. */
function unforeseen(key: string, { base }: MarketShape, startMs: number): number {
  const drift = 0.3 * base * (between(`${key}|drift`, startMs, HOUR_MS) - 0.5);
  const jitter = 0.12 * base * (noise(`${key}|${startMs}`) - 0.5);
  const hour = noise(`${key}|spike|${Math.floor(startMs / HOUR_MS)}`);
  return drift + jitter + (hour < 1 / 60 ? 6 * base * noise(`${key}|height|${startMs}`) : 0);
}

/** Mostly small; one stretch in eight cheap to the point of negative prices, one in sixteen dear. */
function congestionOf(key: string, ahead: boolean, startMs: number): number {
  const stretch = Math.floor(startMs / CONGESTED_MS);
  const state = noise(`${key}|${stretch}`);
  const size = noise(`${key}|${ahead ? 'ahead' : ''}|${startMs}`);
  if (state < 1 / 8) return -(15 + 75 * size);
  return state > 15 / 16 ? 10 + 50 * size : 5 * (size - 0.5);
}

function bell(hour: number, middle: number, width: number): number {
  return Math.exp(-(((hour - middle) / width) ** 2));
}

/** Noise that goes from step to step without a jump. */
function between(key: string, startMs: number, stepMs: number): number {
  const step = Math.floor(startMs / stepMs);
  const share = startMs / stepMs - step;
  return noise(`${key}|${step}`) * (1 - share) + noise(`${key}|${step + 1}`) * share;
}
