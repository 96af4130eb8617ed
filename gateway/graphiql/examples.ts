/**
 * What a person finds in GraphiQL on the first visit: one tab a use. Times are left to variables with a sensible
 * default, so that every example runs as it stands.
 */
export interface Example {
  readonly query: string;
  readonly variables?: string;
}

/** @param now milliseconds UTC; ranges end with the hour it is in. */
export function examples(now: number): Example[] {
  const to = new Date(Math.ceil(now / HOUR_MS) * HOUR_MS);
  const from = new Date(to.getTime() - 24 * HOUR_MS);
  const variables = JSON.stringify({ from: from.toISOString(), to: to.toISOString() }, null, 2);
  return [
    { query: LATEST },
    { query: SERIES, variables },
    { query: BLOCKS, variables: sinceLastMonth(now, to) },
    { query: LIVE },
    { query: POSITIONS },
    { query: LIVE_PNL },
    { query: PNL_SERIES, variables },
    { query: WHAT_IF },
    { query: FORECASTS, variables },
    { query: TARIFFS, variables },
    { query: OPERATIONS },
  ];
}

/** From the first day of the month before this one. */
function sinceLastMonth(now: number, to: Date): string {
  const today = new Date(now);
  const from = new Date(Date.UTC(today.getUTCFullYear(), today.getUTCMonth() - 1, 1));
  return JSON.stringify({ from: from.toISOString(), to: to.toISOString() }, null, 2);
}

const HOUR_MS = 3_600_000;

const LATEST = `# The newest price of each node in one market run, with its components.
query LatestPrices {
  latestLmp(nodes: ["PJM:PJM-WEST", "CAISO:CAISO-NP15"], run: REAL_TIME_5_MIN) {
    node { id name }
    start
    end
    lmp
    energy
    congestion
    loss
    quality
  }
}
`;

const SERIES = `# Columns for a chart: 24 hours of hourly means. Use resolution: RAW for the intervals as published.
query Series($from: DateTime!, $to: DateTime!) {
  lmpSeries(nodes: ["CAISO:CAISO-NP15"], run: REAL_TIME_5_MIN, from: $from, to: $to, resolution: HOUR) {
    node { id }
    start
    lmp
    min
    max
  }
}
`;

const BLOCKS = `# Averages of the on-peak hours of each day beside those of all hours, on the market's own clock and without NERC holidays.
# resolution: MONTH averages a month's on-peak hours; block: OFF_PEAK the others.
query BlockAverages($from: DateTime!, $to: DateTime!) {
  onPeak: lmpSeries(nodes: ["PJM:PJM-WEST"], run: REAL_TIME_5_MIN, from: $from, to: $to, resolution: DAY, block: ON_PEAK) {
    node { id }
    start
    lmp
  }
  allHours: lmpSeries(nodes: ["PJM:PJM-WEST"], run: REAL_TIME_5_MIN, from: $from, to: $to, resolution: DAY, block: ATC) {
    node { id }
    start
    lmp
  }
}
`;

const TARIFFS = `# What CKW's dynamic tariffs cost homes and businesses, which of the two is cheaper, and the three cheapest hours of each.
query Tariffs($from: DateTime!, $to: DateTime!) {
  tariffComparison(from: $from, to: $to, cheapestHours: 3) {
    base { tariffName average min max cheapestHours { start average } }
    other { tariffName average min max cheapestHours { start average } }
    difference { count average cheaperShare }
  }
  tariffs(from: $from, to: $to, tariffName: "home_dynamic", type: INTEGRATED) {
    start
    value
    unit
  }
}
`;

const OPERATIONS = `# Where every feed stands, what is being done again and what could not be read.
# With the subscription feedHealth it comes by itself; jobProgress(id:) follows a job.
query Operations {
  feeds { id kind deadLettersOpen partitions { partition position watermark lag lastError } }
  jobs(first: 5) { edges { node { id kind feed state progress rowsWritten rowsRevised error } } }
  deadLetters(state: OPEN, first: 10) { edges { node { id code reason receivedAt retries } } }
}
`;

const LIVE = `# Prices as they are committed. Reconnect with "after: <the last cursor>" and nothing is missed.
# Where only the present price matters, delivery: LATEST skips what a slow screen could not show.
subscription LivePrices {
  lmp(market: "CAISO", delivery: EVERY) {
    cursor
    ticks { node { id } run start lmp }
  }
}
`;

const POSITIONS = `# What every book holds and has made, at the prices of now, and the three newest trades behind each.
query Positions {
  positions {
    account
    node { id }
    positionMw
    avgPrice
    lastPrice
    realizedPnl
    unrealizedPnl
    totalPnl
    trades(first: 3) { edges { node { id tradedAt side mw price } } }
  }
}
`;

const LIVE_PNL = `# First the positions as they are, then each that a trade or a price moves.
subscription LivePnl {
  pnl(account: "DESK-EAST") {
    cursor
    positions { node { id } positionMw lastPrice totalPnl asOf }
  }
}
`;

const PNL_SERIES = `# What a book's positions were worth at the end of each hour, as it was known then. An hour without a snapshot is null.
query PnlSeries($from: DateTime!, $to: DateTime!) {
  pnlSeries(account: "DESK-EAST", from: $from, to: $to, resolution: HOUR) {
    node { id }
    start
    total
    totalMin
    totalMax
  }
}
`;

const WHAT_IF = `# What each book would make of prices ten percent lower. by: NODE and by: MARKET sum across books.
query WhatIf {
  exposure(by: ACCOUNT, shock: { percent: -10 }) {
    account
    positionMw
    grossMw
    pnl01
    notional
    grossNotional
    shockPnl
  }
}
`;

const FORECASTS = `# Forecasts of the next price with the error of each model so far, and how the prices went in a day.
query Forecasts($from: DateTime!, $to: DateTime!) {
  forecasts(nodes: ["PJM:PJM-WEST"], run: SPOT) {
    lastAt
    lastPrice
    models { model value mae rmse bias samples }
    best { model value }
  }
  marketMetrics(market: "PJM", run: REAL_TIME_5_MIN, from: $from, to: $to, window: HOUR) {
    node { id }
    start
    average
    min
    max
    volatility
  }
}
`;
