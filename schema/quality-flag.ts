import type { QualityFlag as QualityFlagName } from '../domain/quality.ts';
import { builder } from './builder.ts';

export const QualityFlag = builder.enumType('QualityFlag', {
  description: 'What is odd about a price that was kept all the same. Flags mark; they never change a number.',
  values: {
    IDENTITY_BREACH: { description: 'The components do not sum to the LMP within the market’s tolerance.' },
    GHG_MISSING: { description: 'CAISO: no greenhouse-gas component came, so the sum could not be checked.' },
    COMPONENT_MISSING: { description: 'Some but not all of energy, congestion and loss came.' },
    PRICE_OUTLIER: { description: 'Beyond any price the market is known to clear at.' },
    UNALIGNED_INTERVAL: { description: 'The interval does not start on the run’s grid.' },
    PRELIMINARY: {
      description: 'The source says that a final value will follow. A preliminary version never replaces a final one.',
    },
  } as const satisfies Record<QualityFlagName, object>,
});
