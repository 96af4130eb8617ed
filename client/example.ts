/**
 * The client at work against a running gateway: newest prices, an hourly series, live prices or live profit and loss.
 *
 *     npx tsx client/example.ts [--pnl <account>] [url]
 */
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';
import { messageOf } from '../domain/errors.ts';
import { type Client, createClient } from './client.ts';
import {
  LatestLmpDocument,
  LmpSeriesDocument,
  type LmpSeriesQuery,
  LmpUpdatesDocument,
  PnlUpdatesDocument,
  type PriceFragment,
} from './generated/graphql.ts';
import { isRequestError, type RequestError } from './request-error.ts';

const HUBS = ['PJM:PJM-WEST', 'CAISO:CAISO-NP15', 'ERCOT:ERCOT-HOUSTON', 'NYISO:NYISO-ZONEJ'];
const HOUR_MS = 3_600_000;
const SERIES_HOURS = 6;

const HELP = `Usage: npx tsx client/example.ts [--pnl <account>] [url]

Prints the newest real-time prices of four hubs, their hourly averages of the last ${SERIES_HOURS} hours,
and live prices until ctrl-C.

  url              the gateway's endpoint (http://127.0.0.1:4000/graphql)
  --pnl <account>  live profit and loss of that account in place of prices: DESK-EAST, where trades are simulated
  -h, --help       this text`;

process.exitCode = await main();

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { help: { type: 'boolean', short: 'h' }, pnl: { type: 'string' } },
    allowPositionals: true,
  });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const client = createClient({ url: positionals[0] ?? 'http://127.0.0.1:4000/graphql', webSocketImpl: WebSocket });
  process.once('SIGINT', () => client.close());
  try {
    if (values.pnl !== undefined) await printPnl(client, values.pnl);
    else await printPrices(client);
    return 0;
  } catch (error) {
    console.error(isRequestError(error) ? `${error.code}: ${error.message}` : messageOf(error));
    return 1;
  } finally {
    client.close();
  }
}

async function printPrices(client: Client): Promise<void> {
  await printLatest(client);
  await printSeries(client, new Date());
  await printLive(client);
}

async function printLatest(client: Client): Promise<void> {
  const { latestLmp } = await client.query(LatestLmpDocument, { nodes: HUBS, run: 'REAL_TIME_5_MIN' });
  console.log('Newest real-time prices, USD/MWh');
  console.table(latestLmp.map((price) => ({ node: price.node.id, interval: price.start, ...numbersOf(price) })));
}

async function printSeries(client: Client, now: Date): Promise<void> {
  const to = Math.ceil(now.getTime() / HOUR_MS) * HOUR_MS;
  const { lmpSeries } = await client.query(LmpSeriesDocument, {
    nodes: HUBS,
    run: 'REAL_TIME_5_MIN',
    from: new Date(to - SERIES_HOURS * HOUR_MS).toISOString(),
    to: new Date(to).toISOString(),
    resolution: 'HOUR',
  });
  console.log('\nHourly averages, USD/MWh');
  console.table(Object.fromEntries(lmpSeries.map((series) => [series.node.id, rowOf(series)])));
}

async function printLive(client: Client): Promise<void> {
  console.log('\nLive prices, USD/MWh; ctrl-C ends');
  const updates = client.subscribe(
    LmpUpdatesDocument,
    { nodes: HUBS },
    { onCursorExpired: 'restart', onInterrupted: printInterruption },
  );
  for await (const { lmp } of updates) {
    for (const { node, run, start, lmp: price } of lmp.ticks) {
      console.log(`${start}  ${node.id.padEnd(20)} ${run.padEnd(16)} ${price.toFixed(2).padStart(9)}`);
    }
  }
}

/** Whenever it is resumed it begins with how things stand: nothing has to be asked for first. */
async function printPnl(client: Client, account: string): Promise<void> {
  console.log(`Positions of ${account} in MWh and their PnL in USD; ctrl-C ends`);
  const updates = client.subscribe(
    PnlUpdatesDocument,
    { account },
    { onCursorExpired: 'restart', onInterrupted: printInterruption },
  );
  for await (const { pnl } of updates) {
    for (const { asOf, node, positionMw, totalPnl } of pnl.positions) {
      console.log(
        `${asOf}  ${node.id.padEnd(20)} ${positionMw.toFixed(2).padStart(9)} ${(totalPnl ?? '–').padStart(12)}`,
      );
    }
  }
}

function printInterruption({ code, message, cursor }: RequestError): void {
  console.log(`… ${code}: ${message}; resuming from ${cursor ?? 'now'}`);
}

function numbersOf({ lmp, energy, congestion, loss }: PriceFragment) {
  return { lmp, energy, congestion, loss };
}

/** Columns by the hour they begin at. */
function rowOf({ start, lmp }: LmpSeriesQuery['lmpSeries'][number]): Record<string, number | string> {
  const price = (index: number) => lmp[index]?.toFixed(2) ?? '–';
  return Object.fromEntries(start.map((hour, index) => [hour.slice(11, 16), price(index)]));
}
