import type { Command } from 'commander';
import { isoFromInstant } from '../../domain/instant.ts';
import { type ApiAlert, readApiHealth, type SourceHealth } from '../../prisma/operations/api-health.ts';
import { durationText } from './instants.ts';
import { type JsonOptions, jsonOption, windowOption } from './options.ts';
import { type Cell, printJson, printLine, printTable, shortened } from './output.ts';
import { type Invocation, withStore } from './session.ts';
import type { Terminal } from './terminal.ts';

interface HealthOptions extends JsonOptions {
  readonly window: number;
  readonly source?: string;
}

const WINDOW_MINUTES = 60;
const WINDOW_MINUTES_MAX = 10_080;
const ERROR_LENGTH_MAX = 60;

const HELP = `
The score is the share of the calls that were answered; that there is no data is
an answer. Times are milliseconds, of answered calls.

Example:
  feeds health --window 240 --source PJM`;

export function addHealth(feeds: Command, invocation: Invocation): void {
  feeds
    .command('health')
    .description('how the sources answer: scores, times, errors, open alerts')
    .addOption(windowOption(WINDOW_MINUTES, WINDOW_MINUTES_MAX))
    .option('--source <name>', 'only this source, in capitals or not')
    .addOption(jsonOption())
    .addHelpText('after', HELP)
    .action(({ window: windowMinutes, source, json }: HealthOptions) =>
      withStore(invocation, async ({ store: { pool }, now, terminal }) => {
        const sources = await readApiHealth(pool, { windowMinutes, source }, now);
        if (json) return printJson(terminal, sources.map(healthJson));
        if (sources.length === 0) return printLine(terminal, `No call to ${source ?? 'a source'} is kept.`);
        printSources(terminal, sources, now);
        printAlerts(
          terminal,
          sources.flatMap(({ alerts }) => alerts),
        );
      }),
    );
}

function printSources(terminal: Terminal, sources: readonly SourceHealth[], now: number): void {
  printTable(
    terminal,
    ['source', 'endpoint', 'up', 'score', 'calls', 'p50', 'p95', 'p99', 'last success', 'last error'],
    sources.flatMap((source) => [sourceRow(source, now), ...endpointRows(source)]),
  );
}

function sourceRow({ source, up, score, calls, lastSuccessAt }: SourceHealth, now: number): Cell[] {
  const ago = lastSuccessAt === null ? 'never' : `${durationText(now - lastSuccessAt)} ago`;
  return [source, '', up ? 'up' : 'DOWN', scoreText(score), calls, '', '', '', ago, ''];
}

function endpointRows({ source, endpoints }: SourceHealth): Cell[][] {
  return endpoints.map(({ endpoint, score, calls, p50Ms, p95Ms, p99Ms, lastError }) => [
    source,
    endpoint,
    '',
    scoreText(score),
    calls,
    ...[p50Ms, p95Ms, p99Ms].map((latencyMs) => latencyMs && Math.round(latencyMs)),
    '',
    lastError && shortened(lastError, ERROR_LENGTH_MAX),
  ]);
}

/** Rounded down: what is not whole must not look so. */
function scoreText(score: number | null): string | null {
  return score === null ? null : `${(Math.floor(10_000 * score) / 100).toFixed(2)} %`;
}

function printAlerts(terminal: Terminal, alerts: readonly ApiAlert[]): void {
  if (alerts.length === 0) return;
  printLine(terminal, '\nOpen alerts:');
  printTable(
    terminal,
    ['source', 'alert', 'since', 'detail'],
    alerts.map(({ source, kind, openedAt, detail }) => [source, kind, isoFromInstant(openedAt), detail]),
  );
}

function healthJson({ from, lastCallAt, lastSuccessAt, alerts, ...health }: SourceHealth): object {
  const dated = (instant: number | null) => (instant === null ? null : isoFromInstant(instant));
  return {
    ...health,
    from: isoFromInstant(from),
    lastCallAt: dated(lastCallAt),
    lastSuccessAt: dated(lastSuccessAt),
    alerts: alerts.map((alert) => ({ ...alert, openedAt: dated(alert.openedAt), closedAt: dated(alert.closedAt) })),
  };
}
