/**
 * A ledger written by hand: versions of trades as they arrive, and what must be shown of them. A line of trade reads
 * `<id> [at <minute>] [v<version>] BUY|SELL <MW> @ <price> [x <minutes>] [CANCELLED]`; a delivery lasts an hour, and T3 was
 * traded at minute 3, where nothing else is said.
 */
export interface PositionCase {
  /** The arithmetic. */
  readonly why: string;
  readonly trades: readonly string[];
  readonly last: string | null;
  readonly averageCost: Shown;
  /** Where it differs from average cost. */
  readonly fifo?: Shown;
}

export type Shown = readonly [
  positionMw: string,
  avgPrice: string,
  realized: string,
  unrealized: string | null,
  total: string | null,
];

export const POSITION_CASES: readonly PositionCase[] = [
  {
    why: 'long: 10 × (42.50 − 40)',
    trades: ['T1 BUY 10 @ 40'],
    last: '42.50',
    averageCost: ['10', '40', '0', '25', '25'],
  },
  {
    why: 'short: −10 × (42.50 − 40)',
    trades: ['T1 SELL 10 @ 40'],
    last: '42.50',
    averageCost: ['-10', '40', '0', '-25', '-25'],
  },
  {
    why: 'adding to a long: (400 + 500) / 20 = 45, then 20 × (48 − 45)',
    trades: ['T1 BUY 10 @ 40', 'T2 BUY 10 @ 50'],
    last: '48',
    averageCost: ['20', '45', '0', '60', '60'],
  },
  {
    why: 'adding to a short: (150 + 510) / 20 = 33, then −20 × (30 − 33)',
    trades: ['T1 SELL 5 @ 30', 'T2 SELL 15 @ 34'],
    last: '30',
    averageCost: ['-20', '33', '0', '60', '60'],
  },
  {
    why: 'reducing a long: 4 × (50 − 40) realised, 6 × (45 − 40) open',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 4 @ 50'],
    last: '45',
    averageCost: ['6', '40', '40', '30', '70'],
  },
  {
    why: 'reducing a short: 4 × (40 − 50) realised, −6 × (45 − 40) open',
    trades: ['T1 SELL 10 @ 40', 'T2 BUY 4 @ 50'],
    last: '45',
    averageCost: ['-6', '40', '-40', '-30', '-70'],
  },
  {
    why: 'flat from long: 10 × (43.25 − 40), and no later price changes it',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 10 @ 43.25'],
    last: '99',
    averageCost: ['0', '0', '32.5', '0', '32.5'],
  },
  {
    why: 'flat from short: 8 × (61.50 − 60), without a price to mark at',
    trades: ['T1 SELL 8 @ 61.50', 'T2 BUY 8 @ 60'],
    last: null,
    averageCost: ['0', '0', '12', '0', '12'],
  },
  {
    why: 'crossing zero from long: 10 × (50 − 40) realised, −5 opened at 50, then −5 × (52 − 50)',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 15 @ 50'],
    last: '52',
    averageCost: ['-5', '50', '100', '-10', '90'],
  },
  {
    why: 'crossing zero from short: 10 × (40 − 36) realised, 15 opened at 36, then 15 × (35 − 36)',
    trades: ['T1 SELL 10 @ 40', 'T2 BUY 25 @ 36'],
    last: '35',
    averageCost: ['15', '36', '40', '-15', '25'],
  },
  {
    why: 'crossing zero twice: 10 × (25 − 20) + 10 × (25 − 24) realised, 5 × (30 − 24) open',
    trades: ['T1 BUY 10 @ 20', 'T2 SELL 20 @ 25', 'T3 BUY 15 @ 24'],
    last: '30',
    averageCost: ['5', '24', '60', '30', '90'],
  },
  {
    why: 'flat, then short: 10 × (45 − 40) stays realised, −5 × (43 − 44) open',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 10 @ 45', 'T3 SELL 5 @ 44'],
    last: '43',
    averageCost: ['-5', '44', '50', '5', '55'],
  },
  {
    why: 'average 10 × (52 − 45), 10 × (48 − 45); FIFO 10 × (52 − 40), 10 × (48 − 50)',
    trades: ['T1 BUY 10 @ 40', 'T2 BUY 10 @ 50', 'T3 SELL 10 @ 52'],
    last: '48',
    averageCost: ['10', '45', '70', '30', '100'],
    fifo: ['10', '50', '120', '-20', '100'],
  },
  {
    why: 'a lot and a half: average 15 × (52 − 45), 5 × 3; FIFO 10 × 12 + 5 × 2, 5 × (48 − 50)',
    trades: ['T1 BUY 10 @ 40', 'T2 BUY 10 @ 50', 'T3 SELL 15 @ 52'],
    last: '48',
    averageCost: ['5', '45', '105', '15', '120'],
    fifo: ['5', '50', '130', '-10', '120'],
  },
  {
    why: 'short lots: average 10 × (55 − 45), −10 × (48 − 55); FIFO 10 × (60 − 45), −10 × (48 − 50)',
    trades: ['T1 SELL 10 @ 60', 'T2 SELL 10 @ 50', 'T3 BUY 10 @ 45'],
    last: '48',
    averageCost: ['-10', '55', '100', '70', '170'],
    fifo: ['-10', '50', '150', '20', '170'],
  },
  {
    why: 'crossing zero closes every lot: 10 × 20 + 10 × 10 = 20 × (60 − 45) realised, −10 × (61 − 60) open',
    trades: ['T1 BUY 10 @ 40', 'T2 BUY 10 @ 50', 'T3 SELL 30 @ 60'],
    last: '61',
    averageCost: ['-10', '60', '300', '-10', '290'],
  },
  {
    why: 'flat in two steps: sold for 540 + 738, bought for 400 + 860, whichever the method',
    trades: ['T1 BUY 10 @ 40', 'T2 BUY 20 @ 43', 'T3 SELL 12 @ 45', 'T4 SELL 18 @ 41'],
    last: '50',
    averageCost: ['0', '0', '18', '0', '18'],
  },
  {
    why: 'adding after a reduction: (5 × 40 + 15 × 48) / 20 = 46; 5 × 4 + 5 × (50 − 46) or FIFO 5 × 4 + 5 × (50 − 40)',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 5 @ 44', 'T3 BUY 15 @ 48', 'T4 SELL 5 @ 50'],
    last: '46',
    averageCost: ['15', '46', '40', '0', '40'],
    fifo: ['15', '48', '70', '-30', '40'],
  },
  {
    why: 'bought at a negative price: 10 × (−15 − −20)',
    trades: ['T1 BUY 10 @ -20'],
    last: '-15',
    averageCost: ['10', '-20', '0', '50', '50'],
  },
  {
    why: 'sold at a negative price: −10 × (−12 − −5)',
    trades: ['T1 SELL 10 @ -5'],
    last: '-12',
    averageCost: ['-10', '-5', '0', '70', '70'],
  },
  {
    why: 'from a negative to a positive price: 10 × (15 − −10)',
    trades: ['T1 BUY 10 @ -10', 'T2 SELL 10 @ 15'],
    last: '0',
    averageCost: ['0', '0', '250', '0', '250'],
  },
  {
    why: 'an average of zero: 10 × (2 − 0), 10 × (5 − 0); FIFO 10 × (2 − −30), 10 × (5 − 30)',
    trades: ['T1 BUY 10 @ -30', 'T2 BUY 10 @ 30', 'T3 SELL 10 @ 2'],
    last: '5',
    averageCost: ['10', '0', '20', '50', '70'],
    fifo: ['10', '30', '320', '-250', '70'],
  },
  {
    why: 'bought for nothing and worth nothing',
    trades: ['T1 BUY 10 @ 0'],
    last: '0',
    averageCost: ['10', '0', '0', '0', '0'],
  },
  {
    why: 'a last price of zero is a price: −10 × (0 − 12)',
    trades: ['T1 SELL 10 @ 12'],
    last: '0',
    averageCost: ['-10', '12', '0', '120', '120'],
  },
  {
    why: 'fractions: 1.5 × (41.30 − 40.10) realised, 1 × (40 − 40.10) open',
    trades: ['T1 BUY 2.5 @ 40.10', 'T2 SELL 1.5 @ 41.30'],
    last: '40',
    averageCost: ['1', '40.1', '1.8', '-0.1', '1.7'],
  },
  {
    why: 'thirds: 32 / 3 = 10.6666666667; 12 − 32/3 and 2 × (11 − 32/3); FIFO 12 − 10 and 2 × (11 − 11)',
    trades: ['T1 BUY 1 @ 10', 'T2 BUY 2 @ 11', 'T3 SELL 1 @ 12'],
    last: '11',
    averageCost: ['2', '10.6666666667', '1.3333333333', '0.6666666667', '2'],
    fifo: ['2', '11', '2', '0', '2'],
  },
  {
    why: 'sevenths, reduced: 12 − 74/7 = 1.4285714286 and 6 × (12 − 74/7); FIFO 12 − 10 and 2 × 2 + 4 × 1',
    trades: ['T1 BUY 3 @ 10', 'T2 BUY 4 @ 11', 'T3 SELL 1 @ 12'],
    last: '12',
    averageCost: ['6', '10.5714285714', '1.4285714286', '8.5714285714', '10'],
    fifo: ['6', '10.6666666667', '2', '8', '10'],
  },
  {
    why: 'sevenths, closed: 84 received less 74 paid; what the first share rounded away comes back with the second',
    trades: ['T1 BUY 3 @ 10', 'T2 BUY 4 @ 11', 'T3 SELL 1 @ 12', 'T4 SELL 6 @ 12'],
    last: '1000',
    averageCost: ['0', '0', '10', '0', '10'],
  },
  {
    why: 'far from zero: 0.001 × (−9999.99 − 9999.99)',
    trades: ['T1 BUY 0.001 @ 9999.99', 'T2 SELL 0.001 @ -9999.99'],
    last: '0',
    averageCost: ['0', '0', '-19.99998', '0', '-19.99998'],
  },
  {
    why: 'five minutes: 12 MW × 5/60 h = 1 MWh, 1 × (66 − 60)',
    trades: ['T1 BUY 12 @ 60 x 5'],
    last: '66',
    averageCost: ['1', '60', '0', '6', '6'],
  },
  {
    why: 'a twelfth of a MWh has no end, its money has: 2.50 paid, 36 / 12 = 3 worth',
    trades: ['T1 BUY 1 @ 30 x 5'],
    last: '36',
    averageCost: ['0.0833333333', '30', '0', '0.5', '0.5'],
  },
  {
    why: '7 MW for 5 minutes are 1 MW for 35: 35/60 × (13.60 − 13), and exactly flat',
    trades: ['T1 BUY 7 @ 13 x 5', 'T2 SELL 1 @ 13.60 x 35'],
    last: '20',
    averageCost: ['0', '0', '0.35', '0', '0.35'],
  },
  {
    why: 'four quarters are an hour: 450 received, 2.5 × (40 + 42 + 44 + 46) paid',
    trades: [
      'T1 BUY 10 @ 40 x 15',
      'T2 BUY 10 @ 42 x 15',
      'T3 BUY 10 @ 44 x 15',
      'T4 BUY 10 @ 46 x 15',
      'T5 SELL 10 @ 45',
    ],
    last: '44',
    averageCost: ['0', '0', '20', '0', '20'],
  },
  {
    why: 'a spring day of 23 hours: 230 MWh × (41 − 40)',
    trades: ['T1 BUY 10 @ 40 x 1380'],
    last: '41',
    averageCost: ['230', '40', '0', '230', '230'],
  },
  {
    why: 'an autumn day of 25 hours: −250 MWh × (39.50 − 40)',
    trades: ['T1 SELL 10 @ 40 x 1500'],
    last: '39.50',
    averageCost: ['-250', '40', '0', '125', '125'],
  },
  {
    why: 'a day of 24 hours less one of 23: 230 × (45 − 40) realised, 10 MWh × (42 − 40) open',
    trades: ['T1 BUY 10 @ 40 x 1440', 'T2 SELL 10 @ 45 x 1380'],
    last: '42',
    averageCost: ['10', '40', '1150', '20', '1170'],
  },
  {
    why: 'a day of 24 hours less one of 25, which crosses zero: 240 × (41 − 40), −10 MWh × (38 − 41)',
    trades: ['T1 BUY 10 @ 40 x 1440', 'T2 SELL 10 @ 41 x 1500'],
    last: '38',
    averageCost: ['-10', '41', '240', '30', '270'],
  },
  {
    why: 'no price yet: what is open cannot be valued, 4 × (45 − 40) is realised all the same',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 4 @ 45'],
    last: null,
    averageCost: ['6', '40', '20', null, null],
  },
  {
    why: 'an amended size: 5 × (50 − 40) realised, (8 − 5) × (45 − 40) open',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 5 @ 50', 'T1 v2 BUY 8 @ 40'],
    last: '45',
    averageCost: ['3', '40', '50', '15', '65'],
  },
  {
    why: 'an amended price, 40 for 400: 10 × (41 − 40)',
    trades: ['T1 BUY 10 @ 400', 'T1 v2 BUY 10 @ 40'],
    last: '41',
    averageCost: ['10', '40', '0', '10', '10'],
  },
  {
    why: 'an amended side: −10 × (38 − 40)',
    trades: ['T1 BUY 10 @ 40', 'T1 v2 SELL 10 @ 40'],
    last: '38',
    averageCost: ['-10', '40', '0', '20', '20'],
  },
  {
    why: 'an old amendment makes a flat position short: 6 × (45 − 40) realised, −4 × (44 − 45) open',
    trades: ['T1 BUY 10 @ 40', 'T2 SELL 10 @ 45', 'T1 v2 BUY 6 @ 40'],
    last: '44',
    averageCost: ['-4', '45', '30', '4', '34'],
  },
  {
    why: 'an amended instant: traded after the second, 10 × (45 − 40) realised by the buying',
    trades: ['T1 BUY 15 @ 40', 'T2 SELL 10 @ 45', 'T1 at 3 v2 BUY 15 @ 40'],
    last: '41',
    averageCost: ['5', '40', '50', '5', '55'],
  },
  {
    why: 'the only trade is cancelled: nothing was ever there',
    trades: ['T1 BUY 10 @ 40', 'T1 v2 BUY 10 @ 40 CANCELLED'],
    last: '45',
    averageCost: ['0', '0', '0', '0', '0'],
  },
  {
    why: 'an old trade is cancelled: 10 × (55 − 50), where average cost had 10 × (55 − 45) and FIFO 10 × (55 − 40)',
    trades: ['T1 BUY 10 @ 40', 'T2 BUY 10 @ 50', 'T3 SELL 10 @ 55', 'T1 v2 BUY 10 @ 40 CANCELLED'],
    last: '60',
    averageCost: ['0', '0', '50', '0', '50'],
  },
  {
    why: 'cancelled and entered again: 5 × (43 − 42)',
    trades: ['T1 BUY 10 @ 40', 'T1 v2 BUY 10 @ 40 CANCELLED', 'T1 v3 BUY 5 @ 42'],
    last: '43',
    averageCost: ['5', '42', '0', '5', '5'],
  },
  {
    why: 'an older version that comes late changes nothing: 8 × (41 − 40)',
    trades: ['T1 v2 BUY 8 @ 40', 'T1 BUY 10 @ 40'],
    last: '41',
    averageCost: ['8', '40', '0', '8', '8'],
  },
  {
    why: 'a cancellation that overtakes its trade cancels it',
    trades: ['T1 v2 BUY 10 @ 40 CANCELLED', 'T2 SELL 1 @ 50', 'T1 BUY 10 @ 40'],
    last: '49',
    averageCost: ['-1', '50', '0', '1', '1'],
  },
  {
    why: 'a trade that comes late stands where it was traded: FIFO closes it first',
    trades: ['T2 BUY 10 @ 50', 'T3 SELL 10 @ 52', 'T1 BUY 10 @ 40'],
    last: '48',
    averageCost: ['10', '45', '70', '30', '100'],
    fifo: ['10', '50', '120', '-20', '100'],
  },
  {
    why: 'at one instant ids decide, as text: T10 before T9, so (400 + 500) / 20 = 45 and 10 × (60 − 45)',
    trades: ['T1 BUY 10 @ 40', 'T9 at 2 SELL 10 @ 60', 'T10 at 2 BUY 10 @ 50'],
    last: '50',
    averageCost: ['10', '45', '150', '50', '200'],
    fifo: ['10', '50', '200', '0', '200'],
  },
];
