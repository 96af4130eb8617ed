import { z } from 'zod';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { type Decimal, decimalFrom, parseDecimal } from '../../../domain/money.ts';
import { QUALITY_FLAGS, type QualityFlag, qualityBits } from '../../../domain/quality.ts';
import { TARIFF_TYPES, type TariffPrice, type VersionedTariffPrice } from '../../../domain/tariff.ts';
import { createVersionWriter, instantText } from '../store/versioned-table.ts';
import type { Impossible, Version } from '../validate.ts';
import type { FamilyOf } from './family.ts';
import { NOWHERE } from './places.ts';
import { impossibleInterval, impossibleVersion } from './plausible.ts';
import { writtenBy } from './versions.ts';

/** Swiss tariffs move by the quarter of an hour. */
const INTERVAL_MS = 15 * MINUTE_MS;
/** A hundred times what a kilowatt-hour costs: not a price, a unit error or a shifted field. CHF/kWh. */
const PRICE_MAX = decimalFrom(100);
/** What a double needs that carries the noise of a producer's arithmetic. */
const DECIMALS_MAX = 20;

/** Prices of retail tariffs. */
export function createTariffsFamily(): FamilyOf<'tariffs'> {
  return {
    places: NOWHERE,
    judge,
    rangeOf: ({ startAt, endAt }) => ({ from: startAt, to: endAt }),
    textOf: ({ provider, tariffName, type, startAt, endAt, value, unit, flags }) =>
      JSON.stringify({ provider, tariffName, type, startAt, endAt, value, unit, flags }),
    factFrom: (text) => FACT.parse(JSON.parse(text)),
    write: writtenBy(writeVersions),
    committed: () => {},
  };
}

const writeVersions = createVersionWriter<VersionedTariffPrice>({
  name: 'energy_prices',
  key: [
    { name: 'provider', type: 'text', of: ({ provider }) => provider },
    { name: 'tariff_name', type: 'text', of: ({ tariffName }) => tariffName },
    { name: 'tariff_type', type: 'tariff_type', of: ({ type }) => type },
    { name: 'interval_start', type: 'timestamptz', of: ({ startAt }) => instantText(startAt) },
  ],
  values: [
    { name: 'interval_end', type: 'timestamptz', of: ({ endAt }) => instantText(endAt) },
    { name: 'value', type: 'numeric', of: ({ value }) => String(value) },
    { name: 'unit', type: 'text', of: ({ unit }) => unit },
  ],
  derived: [{ name: 'quality', type: 'int4', of: ({ flags }) => qualityBits(flags) }],
});

function judge(price: TariffPrice, version: Version, now: number): VersionedTariffPrice | Impossible {
  const { startAt, endAt, value } = price;
  const impossible =
    impossibleInterval(startAt, endAt, now) ?? impossibleVersion(version, now) ?? impossiblePrice(value);
  if (impossible) return impossible;
  const isAligned = startAt % INTERVAL_MS === 0 && endAt - startAt === INTERVAL_MS;
  const flags: readonly QualityFlag[] = isAligned ? price.flags : [...price.flags, 'UNALIGNED_INTERVAL'];
  return { ...price, flags, publishedAt: version.publishedAt };
}

function impossiblePrice(value: Decimal): Impossible | undefined {
  if (value.decimals <= DECIMALS_MAX && value.abs().minus(PRICE_MAX).sign <= 0) return undefined;
  return {
    code: 'BAD_VALUE',
    reason: `${value} is not a price between −${PRICE_MAX} and ${PRICE_MAX} per kWh with at most ${DECIMALS_MAX} decimals`,
  };
}

const FACT = z.object({
  provider: z.string(),
  tariffName: z.string(),
  type: z.enum(TARIFF_TYPES),
  startAt: z.number(),
  endAt: z.number(),
  value: z.string().transform((text, context): Decimal => {
    const value = parseDecimal(text);
    if (value) return value;
    context.addIssue({ code: 'custom', message: 'must be a decimal number' });
    return z.NEVER;
  }),
  unit: z.literal('CHF_kWh'),
  flags: z.array(z.enum(QUALITY_FLAGS)),
});
