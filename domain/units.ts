/**
 * Units of energy markets. Conversions are exact: factors are fractions, and nothing is rounded before the caller asks for
 * a double or a decimal.
 */
import { BusbarError } from './errors.ts';
import { Fraction, fractionFrom } from './fraction.ts';

/** A unit's worth in the base of its dimension; a temperature's scale may begin elsewhere than at the base's zero. */
interface UnitOfMeasure {
  readonly dimension: 'energy' | 'power' | 'temperature' | 'volume';
  readonly factor: Fraction;
  readonly zeroAt?: Fraction;
}

/**
 * The Btu of the International Table in kWh: by definition 2.326 J for a gram, of a pound of 453.59237 g, is 1,055.05585262
 * J (ISO 31-4; NIST SP 811, appendix B.8); a kWh is 3,600,000 J.
 */
const BTU_KWH = fractionFrom('1055.05585262').over(fractionFrom(3_600_000));

/** A foot is 0.3048 m by definition (international yard and pound agreement of 1959). */
const CUBIC_FOOT_M3 = fractionFrom('0.028316846592');

/** 0 °C is 273.15 K by definition, and 32 °F; a degree Fahrenheit is five ninths of a kelvin (NIST SP 811, appendix B.8). */
const CELSIUS_ZERO_K = fractionFrom('273.15');
const FAHRENHEIT_K = new Fraction(5n, 9n);
const FAHRENHEIT_ZERO_K = CELSIUS_ZERO_K.minus(fractionFrom(32).times(FAHRENHEIT_K));

const UNITS = {
  kWh: { dimension: 'energy', factor: fractionFrom(1) },
  MWh: { dimension: 'energy', factor: fractionFrom(1_000) },
  GWh: { dimension: 'energy', factor: fractionFrom(1_000_000) },
  /** A million Btu, which the gas trade also calls a dekatherm. */
  MMBtu: { dimension: 'energy', factor: BTU_KWH.times(fractionFrom(1_000_000)) },
  kW: { dimension: 'power', factor: fractionFrom(1) },
  MW: { dimension: 'power', factor: fractionFrom(1_000) },
  GW: { dimension: 'power', factor: fractionFrom(1_000_000) },
  K: { dimension: 'temperature', factor: fractionFrom(1), zeroAt: fractionFrom(0) },
  '°C': { dimension: 'temperature', factor: fractionFrom(1), zeroAt: CELSIUS_ZERO_K },
  '°F': { dimension: 'temperature', factor: FAHRENHEIT_K, zeroAt: FAHRENHEIT_ZERO_K },
  /** Of gas, all at the same temperature and pressure: a standard and a normal cubic metre are not the same gas. */
  m3: { dimension: 'volume', factor: fractionFrom(1) },
  /** A thousand cubic feet. */
  Mcf: { dimension: 'volume', factor: CUBIC_FOOT_M3.times(fractionFrom(1_000)) },
  /** A million cubic feet. */
  MMcf: { dimension: 'volume', factor: CUBIC_FOOT_M3.times(fractionFrom(1_000_000)) },
} as const satisfies Readonly<Record<string, UnitOfMeasure>>;

export type Unit = keyof typeof UNITS;
export type EnergyUnit = UnitOf<'energy'>;
export type VolumeUnit = UnitOf<'volume'>;
type UnitOf<Dimension> = { [Each in Unit]: (typeof UNITS)[Each]['dimension'] extends Dimension ? Each : never }[Unit];

export function isUnit(text: string): text is Unit {
  return Object.hasOwn(UNITS, text);
}

/** The same quantity in another unit. @throws BusbarError `BAD_USER_INPUT` where the units are of different dimension. */
export function convert(amount: Fraction, from: Unit, to: Unit): Fraction {
  const [given, asked] = sameDimension(from, to);
  const base = amount.times(given.factor).plus(given.zeroAt ?? ZERO);
  return base.minus(asked.zeroAt ?? ZERO).over(asked.factor);
}

/**
 * A price for one of a unit as the price for one of another: 30 for a MWh is 0.03 for a kWh.
 * @throws BusbarError `BAD_USER_INPUT` where the units are of different dimension, or degrees, of which there is no amount.
 */
export function convertPrice(price: Fraction, per: Unit, perOther: Unit): Fraction {
  const [given, asked] = sameDimension(per, perOther);
  if (given.dimension === 'temperature') {
    throw new BusbarError('BAD_USER_INPUT', `there is no price for a temperature: ${per}, ${perOther}`);
  }
  return price.times(asked.factor).over(given.factor);
}

/** How much energy a volume of gas holds, which differs from gas to gas; at the temperature and pressure of the volume. */
export interface HeatContent {
  readonly amount: Fraction;
  readonly energy: EnergyUnit;
  readonly per: VolumeUnit;
}

/**
 * 1,036 Btu for a cubic foot, gross: what gas consumed in the United States held on average in 2023 (EIA, Heat Content of
 * Natural Gas Consumed). Pipelines' gas differs by some percent: where money depends on it, take the pipeline's own.
 */
export const US_AVERAGE_HEAT_CONTENT: HeatContent = { amount: fractionFrom('1.036'), energy: 'MMBtu', per: 'Mcf' };

export function energyOfGas(volume: Fraction, unit: VolumeUnit, heat: HeatContent, to: EnergyUnit): Fraction {
  return convert(convert(volume, unit, heat.per).times(heat.amount), heat.energy, to);
}

const ZERO = fractionFrom(0);

function sameDimension(one: Unit, other: Unit): readonly [UnitOfMeasure, UnitOfMeasure] {
  const units = [UNITS[one], UNITS[other]] as const;
  if (units[0].dimension === units[1].dimension) return units;
  throw new BusbarError(
    'BAD_USER_INPUT',
    `${one} is a unit of ${units[0].dimension} and ${other} one of ${units[1].dimension}: neither becomes the other`,
  );
}
