import { builder } from './builder.ts';
import { LedgerEntry } from './ledger.ts';
import { rangeFrom } from './range.ts';
import type { PlantStatusRow } from './utility-rows.ts';

const PlantState = builder.enumType('PlantState', {
  description: 'Whether a plant runs.',
  values: {
    RUNNING: { description: 'It runs. CKW: in Betrieb.' },
    STOPPED: { description: 'It stands still. CKW: ausser Betrieb.' },
    MAINTENANCE: { description: 'It is being maintained. CKW: Wartung.' },
    OTHER: { description: 'The operator says something else: see `rawState`.' },
  } as const,
});

const PlantStatus = builder.objectRef<PlantStatusRow>('PlantStatus').implement({
  description: 'What a power plant told of itself at an instant. A measure that it did not tell is null.',
  fields: (t) => ({
    plant: t.exposeString('plant', { description: 'The plant, as `lutersarni`.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was measured.' }),
    state: t.expose('state', { type: PlantState, description: 'Whether it runs.' }),
    rawState: t.exposeString('rawState', { description: 'The state in the operator’s own words: `in Betrieb`.' }),
    voltageKv: t.exposeFloat('voltageKv', { nullable: true, description: 'Voltage, kV.' }),
    activeMw: t.exposeFloat('activeMw', { nullable: true, description: 'Active power, MW; positive: it feeds in.' }),
    reactiveMvar: t.exposeFloat('reactiveMvar', {
      nullable: true,
      description: 'Reactive power, Mvar, with the operator’s own sign.',
    }),
    windKmh: t.exposeFloat('windKmh', { nullable: true, description: 'Wind speed, km/h.' }),
    revision: t.exposeInt('revision', { description: '1 for the first version; grows with each correction.' }),
    publishedAt: t.expose('publishedAt', { type: 'DateTime', description: 'When this version was published.' }),
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

builder.queryField('plantStatus', (t) =>
  t.field({
    type: [PlantStatus],
    authScopes: { may: 'PRICES' },
    description: 'How each plant was when it was last heard of, by name; a plant that was never heard of is left out.',
    args: { plant: t.arg.string({ description: 'Only this plant.' }) },
    resolve: (_root, { plant }, { reads }) => reads.plantStatus(plant ?? undefined),
  }),
);

builder.queryField('plantHistory', (t) =>
  t.field({
    type: [PlantStatus],
    authScopes: { may: 'PRICES' },
    description:
      'How a plant was, oldest first. A source that tells only how it is now leaves gaps: no reading is made up. One answer has at most 100,000 readings.',
    args: {
      plant: t.arg.string({ defaultValue: 'lutersarni', description: 'The plant.' }),
      from: t.arg({ type: 'DateTime', required: true, description: 'First instant, inclusive.' }),
      to: t.arg({ type: 'DateTime', required: true, description: 'End of the range, exclusive.' }),
    },
    resolve: (_root, { plant, from, to }, { reads }) =>
      reads.plantHistory({ plant: plant ?? 'lutersarni', ...rangeFrom({ from, to }) }),
  }),
);
