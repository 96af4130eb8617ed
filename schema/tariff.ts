import { TARIFF_TYPES, type TariffType as TariffTypeName } from '../domain/tariff.ts';
import { builder } from './builder.ts';
import { LedgerEntry } from './ledger.ts';
import { asOfScopes } from './permissions.ts';
import { QualityFlag } from './quality-flag.ts';
import { rangeFrom } from './range.ts';
import type { TariffPriceRow } from './utility-rows.ts';

const TYPE_DESCRIPTIONS: Readonly<Record<TariffTypeName, string>> = {
  grid: 'For the grid: its use, and what is charged with it.',
  electricity: 'For the energy itself.',
  integrated: 'All of it: grid plus electricity.',
  grid_usage: 'For the use of the grid alone; contained in grid.',
};

export const TariffType = builder.enumType('TariffType', {
  description: 'A part of a retail tariff.',
  values: Object.fromEntries(
    TARIFF_TYPES.map((type) => [type.toUpperCase(), { value: type, description: TYPE_DESCRIPTIONS[type] }]),
  ),
});

export const providerArgument = builder.args((t) => ({
  provider: t.string({ defaultValue: 'CKW', description: 'The utility that publishes it.' }),
}));

const TariffPrice = builder.objectRef<TariffPriceRow>('TariffPrice').implement({
  description:
    'What a utility charges its customers for a kilowatt-hour in one interval, before taxes as it publishes it.',
  fields: (t) => ({
    provider: t.exposeString('provider', { description: 'The utility, as `CKW`.' }),
    tariffName: t.exposeString('tariffName', { description: 'The utility’s own name of the tariff: `home_dynamic`.' }),
    type: t.expose('type', { type: TariffType, description: 'Which part of the tariff.' }),
    start: t.expose('startAt', { type: 'DateTime', description: 'Start of the interval.' }),
    end: t.expose('endAt', { type: 'DateTime', description: 'End of the interval, exclusive.' }),
    value: t.float({
      description: 'The price in `unit`: CHF/kWh; may be negative.',
      resolve: ({ value }) => Number(value),
    }),
    valueExact: t.expose('value', { type: 'Decimal', description: '`value` to the last digit.' }),
    unit: t.exposeString('unit', {
      description: 'As the utility writes it: `CHF_kWh`, Swiss francs per kilowatt-hour.',
    }),
    quality: t.field({
      type: [QualityFlag],
      description:
        'What is odd about it. IDENTITY_BREACH: INTEGRATED is not GRID plus ELECTRICITY within 0.0001, or GRID_USAGE is more than GRID. UNALIGNED_INTERVAL: it is no quarter hour.',
      resolve: ({ flags }) => [...flags],
    }),
    revision: t.exposeInt('revision', { description: '1 for the first version; grows with each correction.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When the utility published this version.' }),
    recordedAt: t.expose('recordedAt', { type: 'DateTime', description: 'When Busbar committed this version.' }),
    ledgerEntry: t.field({
      type: LedgerEntry,
      nullable: true,
      authScopes: { may: 'ANALYSIS' },
      description: 'Where this version came from: feed, request, time.',
      resolve: ({ ledgerId }, _args, { loaders }) => loaders.ledgerEntry.load(ledgerId),
    }),
  }),
});

builder.queryField('tariffs', (t) =>
  t.field({
    type: [TariffPrice],
    authScopes: asOfScopes,
    description:
      'Prices of retail tariffs, by start, then tariff and part. A day has 92, 96 or 100 quarter hours; what was not published is left out. One answer has at most 100,000 prices.',
    args: {
      ...providerArgument,
      tariffName: t.arg.string({ description: 'Only this tariff, by the utility’s own name: `home_dynamic`.' }),
      type: t.arg({ type: TariffType, description: 'Only this part.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range: interval starts before it.' }),
      asOf: t.arg({ type: 'DateTime', description: 'What was known at this instant; without it, what is known now.' }),
    },
    resolve: (_root, { provider, tariffName, type, from, to, asOf }, { reads }) =>
      reads.tariffs({
        provider: provider ?? 'CKW',
        ...rangeFrom({ from, to }),
        ...(tariffName != null && { tariffName }),
        ...(type != null && { type }),
        ...(asOf != null && { asOf }),
      }),
  }),
);
