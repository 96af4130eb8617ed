import { builder } from './builder.ts';

export const MarketRun = builder.enumType('MarketRun', {
  description:
    'Which clearing of the market a price comes from. The same node and hour have one price in each run; they are different facts and never replace each other.',
  values: {
    DAY_AHEAD_HOURLY: { description: 'Day-ahead market, one price an hour. CAISO: PRC_LMP.' },
    HOUR_AHEAD_15_MIN: { description: 'Hour-ahead scheduling, one price a quarter of an hour. CAISO: PRC_HASP_LMP.' },
    REAL_TIME_5_MIN: { description: 'Real-time dispatch, one price in five minutes. CAISO: PRC_INTVL_LMP.' },
    REAL_TIME_15_MIN: { description: 'Real-time, one price a quarter of an hour. CAISO: PRC_RTPD_LMP.' },
    REAL_TIME_HOURLY: {
      description: 'Hourly real-time settlement price as published; never computed from shorter intervals.',
    },
    SPOT: { description: 'Ticks of a price stream, at any time; no regular intervals.' },
  } as const,
});
