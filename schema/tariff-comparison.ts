import { BusbarError } from '../domain/errors.ts';
import { MINUTE_MS } from '../domain/instant.ts';
import { builder } from './builder.ts';
import { requireWithin } from './limits.ts';
import { rangeFrom } from './range.ts';
import { providerArgument, TariffType } from './tariff.ts';
import type { TariffComparisonRow, TariffDifferenceRow, TariffHourRow, TariffSummaryRow } from './utility-rows.ts';

const CHEAPEST_HOURS_MAX = 100;
const QUARTER_MS = 15 * MINUTE_MS;

const TariffHour = builder.objectRef<TariffHourRow>('TariffHour').implement({
  description: 'A clock hour of a tariff, all of whose intervals have prices.',
  fields: (t) => ({
    start: t.expose('startAt', { type: 'DateTime', description: 'Start of the hour.' }),
    end: t.expose('endAt', { type: 'DateTime', description: 'End of the hour, exclusive.' }),
    average: t.exposeFloat('average', { description: 'Mean price, weighted by interval length. CHF/kWh.' }),
  }),
});

const TariffSummary = builder.objectRef<TariffSummaryRow>('TariffSummary').implement({
  description: 'What one tariff charges in the range. CHF/kWh.',
  fields: (t) => ({
    tariffName: t.exposeString('tariffName', { description: 'The utility’s own name of the tariff.' }),
    count: t.exposeInt('count', { description: 'How many intervals have a price.' }),
    average: t.exposeFloat('average', { description: 'Mean price, weighted by interval length.' }),
    min: t.exposeFloat('min', { description: 'Lowest price.' }),
    max: t.exposeFloat('max', { description: 'Highest price.' }),
    cheapestHours: t.field({
      type: [TariffHour],
      description: 'The cheapest clock hours, the cheapest first; of equal ones the earlier.',
      resolve: ({ cheapestHours }) => [...cheapestHours],
    }),
  }),
});

const TariffDifference = builder.objectRef<TariffDifferenceRow>('TariffDifference').implement({
  description: 'other − base over the intervals that both have. CHF/kWh; positive: the other is dearer.',
  fields: (t) => ({
    count: t.exposeInt('count', { description: 'Intervals that both have.' }),
    average: t.exposeFloat('average', { description: 'Mean difference, weighted by interval length.' }),
    min: t.exposeFloat('min', { description: 'Lowest difference.' }),
    max: t.exposeFloat('max', { description: 'Highest difference.' }),
    cheaperShare: t.exposeFloat('cheaperShare', {
      description: 'Share of the intervals in which the other is cheaper than the base, 0 to 1.',
    }),
  }),
});

const TariffComparison = builder.objectRef<TariffComparisonRow>('TariffComparison').implement({
  description: 'Two tariffs of a utility beside each other.',
  fields: (t) => ({
    provider: t.exposeString('provider', { description: 'The utility.' }),
    type: t.expose('type', { type: TariffType, description: 'The part that is compared.' }),
    from: t.expose('from', { type: 'DateTime', description: 'First interval start, inclusive.' }),
    to: t.expose('to', { type: 'DateTime', description: 'End of the range.' }),
    base: t.field({
      type: TariffSummary,
      nullable: true,
      description: 'The tariff that the other is compared with; null where it has no prices.',
      resolve: ({ base }) => base,
    }),
    other: t.field({
      type: TariffSummary,
      nullable: true,
      description: 'The other tariff; null where it has no prices.',
      resolve: ({ other }) => other,
    }),
    difference: t.field({
      type: TariffDifference,
      nullable: true,
      description: 'other − base; null where no interval has both.',
      resolve: ({ difference }) => difference,
    }),
  }),
});

builder.queryField('tariffComparison', (t) =>
  t.field({
    type: TariffComparison,
    authScopes: { may: 'ANALYSIS' },
    description:
      'Compares two tariffs, by default what homes and businesses pay, and tells the cheapest hours of each. At most 100,000 intervals of both together: 520 days.',
    args: {
      ...providerArgument,
      from: t.arg({ type: 'DateTime', required: true, description: 'First interval start, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range: interval starts before it.' }),
      type: t.arg({ type: TariffType, defaultValue: 'integrated', description: 'The part to compare.' }),
      base: t.arg.string({ defaultValue: 'home_dynamic', description: 'The tariff to compare with.' }),
      other: t.arg.string({ defaultValue: 'business_dynamic', description: 'The tariff to compare.' }),
      cheapestHours: t.arg.int({ defaultValue: 3, description: 'How many of the cheapest hours to tell: 0 to 100.' }),
    },
    resolve: (_root, asked, { reads }) => {
      const { from, to } = rangeFrom(asked);
      const base = asked.base ?? 'home_dynamic';
      const other = asked.other ?? 'business_dynamic';
      if (base === other) throw new BusbarError('BAD_USER_INPUT', '`base` and `other` must be two tariffs');
      requireWithin('tariffPrices', Math.ceil((2 * (to - from)) / QUARTER_MS), 'ask for a shorter range');
      return reads.tariffComparison({
        provider: asked.provider ?? 'CKW',
        type: asked.type ?? 'integrated',
        from,
        to,
        base,
        other,
        cheapestHours: hoursFrom(asked.cheapestHours ?? 3),
      });
    },
  }),
);

function hoursFrom(hours: number): number {
  if (hours >= 0 && hours <= CHEAPEST_HOURS_MAX) return hours;
  throw new BusbarError('BAD_USER_INPUT', `\`cheapestHours\` must be from 0 to ${CHEAPEST_HOURS_MAX}`);
}
