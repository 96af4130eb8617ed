import { builder } from './builder.ts';

export const Block = builder.enumType('Block', {
  description:
    'Hours that power is traded for as one product, on the market’s own clock. A price belongs to the block its interval starts in.',
  values: {
    ATC: { description: 'Around the clock: all hours.' },
    ON_PEAK: {
      description:
        'Hours ending 8 to 23 at PJM, NYISO and ISONE, 7 to 22 at ERCOT, SPP, MISO (EST) and CAISO, Monday to Friday, at CAISO to Saturday; less NERC holidays: New Year, Memorial, Independence, Labor, Thanksgiving and Christmas Day, one on a Sunday being kept on Monday.',
    },
    OFF_PEAK: { description: 'All other hours: nights, weekends (at CAISO Sundays) and NERC holidays.' },
  } as const,
});
