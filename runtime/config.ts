import { z } from 'zod';
import { BusbarError } from '../domain/errors.ts';
import { MARK_RUNS } from '../domain/mark-price.ts';
import { isMarketRun, MARKET_RUNS, type MarketRun } from '../domain/market-run.ts';
import { AUTH_SETTINGS, authProblems } from './auth-settings.ts';
import { EDGE_SETTINGS } from './edge-settings.ts';
import { LIMIT_SETTINGS, limitProblems } from './limit-settings.ts';
import { Secret } from './secret.ts';

/**
 * The only reader of the environment. Every variable is declared once, here or in the fragment a feed brings, with its
 * default and a description; `.env.example` and the README's table are printed from these declarations.
 */
export type EnvFragment<Settings> = z.ZodType<Settings> & { readonly shape: Readonly<Record<string, z.ZodType>> };

const port = z.coerce.number('must be a port, 0 to 65535').int().min(0).max(65_535);
const url = (...protocols: string[]) =>
  z
    .url({
      protocol: new RegExp(`^(${protocols.join('|')})$`),
      error: `must be a URL beginning with ${protocols.join(':// or ')}://`,
    })
    .transform((value) => new Secret(value))
    .optional();
const listed = (list: string) =>
  list
    .split(',')
    .map((each) => each.trim())
    .filter(Boolean);
const flag = z.enum(['true', 'false']).transform((value) => value === 'true');

const CORE = z.object({
  PORT: port.default(4000).describe('Port of the gateway; 0 picks a free one.'),
  HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address the gateway listens on. Loopback unless told otherwise.'),
  ...AUTH_SETTINGS,
  ...EDGE_SETTINGS,
  ...LIMIT_SETTINGS,
  INGESTORS_PORT: port.default(4001).describe('Port of the ingestors’ health and metrics when they run alone.'),
  BUSBAR_DATA: z.string().min(1).default('.data').describe('Folder of the embedded store.'),
  DATABASE_URL: url('postgres', 'postgresql').describe(
    'TimescaleDB or Postgres ≥ 15. Not set: native Postgres from npm under BUSBAR_DATA.',
  ),
  DATABASE_POOL: z.coerce
    .number()
    .int()
    .min(2)
    .max(200)
    .default(10)
    .describe(
      'Most connections to the store from one process; a gateway has as many again for queries, and those of exports.',
    ),
  EXPORTS_MAX: z.coerce
    .number()
    .int()
    .min(1)
    .max(50)
    .default(2)
    .describe('Most exports at a time from one gateway, each on a connection of its own, with one more for all.'),
  EXPORTS_PER_IDENTITY: z.coerce
    .number()
    .int()
    .min(1)
    .max(50)
    .default(1)
    .describe('Most exports at a time of one API key or user from one gateway; not while it is open to everybody.'),
  KAFKA_BROKERS: z
    .string()
    .transform(listed)
    .refine((list) => list.every((each) => /^[^\s:/]+:\d+$/.test(each)), 'must be host:port[,host:port…]')
    .optional()
    .describe('Kafka brokers, host:port separated by commas. Not set: the durable log in the store.'),
  KAFKA_SSL: flag.default(false).describe('true: TLS to the brokers.'),
  KAFKA_SASL_MECHANISM: z
    .enum(['plain', 'scram-sha-256', 'scram-sha-512'])
    .optional()
    .describe('SASL mechanism of the brokers.'),
  KAFKA_USERNAME: z.string().optional().describe('SASL user.'),
  KAFKA_PASSWORD: z
    .string()
    .transform((value) => new Secret(value))
    .optional()
    .describe('SASL password.'),
  REDIS_URL: url('redis', 'rediss').describe(
    'Redis ≥ 6.2 for the live bus. Not set: a ring in the process, which gateway and ingestors can then not share.',
  ),
  CACHE: flag
    .default(true)
    .describe(
      'Whether finished answers of price queries are kept, in Redis where REDIS_URL is set. They are never older than the last commit.',
    ),
  CACHE_BYTES: z.coerce
    .number()
    .int()
    .min(1_048_576)
    .default(64 * 1024 * 1024)
    .describe('Most memory that kept answers take in one gateway. Bytes.'),
  CURSOR_SECRET: z
    .string()
    .transform(listed)
    .refine(
      (list) => list.length > 0 && list.every((each) => each.length >= 16),
      'must be secrets of 16 characters or more, separated by commas',
    )
    .transform((list) => list.map((each) => new Secret(each)))
    .optional()
    .describe(
      'What cursors of subscriptions are signed with, the same on all gateways: secrets of 16 characters or more, separated by commas; the first signs, all verify. Not set: random keys in the store.',
    ),
  LIVE_WINDOW_ENTRIES: z.coerce
    .number()
    .int()
    .min(10)
    .default(20_000)
    .describe('Most entries the live bus keeps for reconnecting subscribers.'),
  LIVE_WINDOW_MINUTES: z.coerce.number().min(1).default(60).describe('Longest time the live bus keeps an entry.'),
  MARK_RUNS: z
    .string()
    .default(MARK_RUNS.join())
    .transform(listed)
    .refine(areRuns, `must be runs separated by commas, each once, of ${MARKET_RUNS.join(', ')}`)
    .describe(
      'Runs that positions are marked by, separated by commas: the first that has a price of the last 31 days counts, with its newest interval.',
    ),
  FORECASTS: flag.default(true).describe('false: this process forecasts no prices; whoever is told to does.'),
  PNL_SNAPSHOT_SECONDS: z.coerce
    .number()
    .int()
    .min(0)
    .max(86_400)
    .default(60)
    .describe(
      'How often the PnL and exposure of every position are kept, beside at each trade. Seconds; 0: only at trades.',
    ),
  RAW_PAYLOAD_DAYS: z.coerce
    .number()
    .int()
    .min(0)
    .default(90)
    .describe('How long answers of sources are kept, so that they can be decoded again. Days; 0 keeps none.'),
  LEDGER_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .default(90)
    .describe('How long ledger entries are kept after they ended; those with open dead letters longer. Days.'),
  API_HEALTH_DAYS: z.coerce
    .number()
    .int()
    .min(1)
    .max(365)
    .default(30)
    .describe('How long calls to sources, and alerts that are closed, are kept. Days.'),
  AUDIT_DAYS: z.coerce
    .number()
    .int()
    .min(30)
    .default(2_557)
    .describe('How long the audit log is kept: who asked for what, and what was denied. Days; seven years by default.'),
  SQL_IN_ANSWERS: flag
    .default(false)
    .describe(
      'true: every GraphQL answer over HTTP says in `extensions.sql` how many statements it took of the store, and their milliseconds. No answer is kept then. For development.',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'silent'])
    .default('info')
    .describe('Least level that is logged.'),
});

export type CoreConfig = Readonly<z.output<typeof CORE>>;

export interface Config {
  readonly core: CoreConfig;
  /** Settings of a fragment that was passed to `readConfig`. */
  settings<Settings>(fragment: EnvFragment<Settings>): Settings;
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Parses the environment once.
 * @param processes `apart`: this process is the gateway or the ingestors alone, and must share what one process embeds.
 * @throws BusbarError `CONFIG_INVALID` that lists every problem, never a value.
 */
export function readConfig(
  env: Environment,
  fragments: readonly EnvFragment<unknown>[] = [],
  processes: 'one' | 'apart' = 'one',
): Config {
  // An empty variable is one that was not set: `FOO=` in a compose file means the default.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const problems: string[] = [];
  const parse = <T>(fragment: z.ZodType<T>): T | undefined => {
    const parsed = fragment.safeParse(given);
    if (parsed.success) return Object.freeze(parsed.data);
    for (const issue of parsed.error.issues)
      problems.push(`${issue.path.join('.') || 'environment'}: ${issue.message}`);
    return undefined;
  };
  const core = parse(CORE);
  if (core?.KAFKA_SASL_MECHANISM && !(core.KAFKA_USERNAME && core.KAFKA_PASSWORD)) {
    problems.push('KAFKA_SASL_MECHANISM: needs KAFKA_USERNAME and KAFKA_PASSWORD');
  }
  if (core && (core.TLS_CERT === undefined) !== (core.TLS_KEY === undefined)) {
    problems.push('TLS_CERT: needs TLS_KEY, and TLS_KEY needs it');
  }
  if (core) problems.push(...authProblems(core), ...limitProblems(core));
  if (core && processes === 'apart' && !core.REDIS_URL) {
    problems.push(
      'REDIS_URL: gateway and ingestors as processes of their own meet there; `npm start` runs both in one without it',
    );
  }
  const settings = new Map(fragments.map((fragment) => [fragment, parse(fragment)]));
  if (!core || problems.length > 0) {
    throw new BusbarError(
      'CONFIG_INVALID',
      `the configuration has ${problems.length} problem(s):\n  ${problems.join('\n  ')}`,
    );
  }
  return {
    core,
    settings: <Settings>(fragment: EnvFragment<Settings>) => {
      if (!settings.has(fragment as EnvFragment<unknown>))
        throw new TypeError('this fragment was not passed to readConfig');
      return settings.get(fragment as EnvFragment<unknown>) as Settings;
    },
  };
}

export interface Variable {
  readonly name: string;
  readonly default: string;
  readonly description: string;
}

/** Every declared variable, for `.env.example` and the README. */
export function variables(fragments: readonly EnvFragment<unknown>[] = []): Variable[] {
  return [CORE as EnvFragment<unknown>, ...fragments].flatMap((fragment) =>
    Object.entries(fragment.shape).map(([name, type]) => ({
      name,
      default: defaultOf(type),
      description: type.description ?? '',
    })),
  );
}

function areRuns(list: string[]): list is MarketRun[] {
  return list.length > 0 && list.every(isMarketRun) && new Set(list).size === list.length;
}

function defaultOf(type: z.ZodType): string {
  const parsed = type.safeParse(undefined);
  return parsed.success && parsed.data !== undefined ? String(parsed.data) : '';
}
