/**
 * What a person finds in GraphiQL on the first visit: one tab a use. Times are left to variables with a sensible
 * default, so that every example runs as it stands.
 */
export interface Example {
  readonly query: string;
  readonly variables?: string;
}

/** @param now milliseconds UTC; the series' range ends with the hour it is in. */
export function examples(now: number): Example[] {
  const to = new Date(Math.ceil(now / HOUR_MS) * HOUR_MS);
  const from = new Date(to.getTime() - 24 * HOUR_MS);
  return [
    { query: LATEST },
    { query: SERIES, variables: JSON.stringify({ from: from.toISOString(), to: to.toISOString() }, null, 2) },
    { query: OPERATIONS },
    { query: LIVE },
  ];
}

const HOUR_MS = 3_600_000;

const LATEST = `# The newest price of each node in one market run, with its components.
query LatestPrices {
  latestLmp(nodes: ["CAISO:TH_NP15_GEN-APND", "CAISO:TH_SP15_GEN-APND"], run: REAL_TIME_5_MIN) {
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
  lmpSeries(nodes: ["CAISO:TH_NP15_GEN-APND"], run: REAL_TIME_5_MIN, from: $from, to: $to, resolution: HOUR) {
    node { id }
    start
    lmp
    min
    max
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
