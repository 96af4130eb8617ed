/**
 * Prices of one node in five columns, over HTTP, from Postgres: Busbar against the practical limit (node:http and json_agg, no
 * GraphQL) and against what others would build on. Each server is a process of its own with ten connections, in the same form
 * of prepared statement; one load generator asks them in turns. Beside the rates stands what each answer takes of the CPU, in the
 * server and in Postgres, which other work on the machine shifts less than the rates. PostGraphile runs on another Node than all
 * others, and makes its own statements.
 */
import { messageOf } from '../domain/errors.ts';
import { startProgram } from '../tests/support/processes.ts';
import { openBenchStore } from './bench-store.ts';
import { backendsOf, type CpuTimes, cpuTimesOf, usBetween } from './query/cpu.ts';
import { answerOf, CONNECTIONS, randomQuestion, rateOf, type Target } from './query/load.ts';
import { type Postgraphile, startPostgraphile } from './query/postgraphile.ts';
import { answerIn, type WordingName } from './query/question.ts';
import { fillStore } from './query/store.ts';
import { median } from './summary.ts';

const ROUNDS = 5;
const ROUND_ANSWERS = 4_000;
/** Enough for the compiler of V8 to have settled, however busy the machine is. */
const WARM_UP_ANSWERS = 10_000;

const SERVERS = {
  plain: ['plain.ts'],
  busbar: ['busbar.ts'],
  busbarClosed: ['busbar.ts', 'closed'],
  busbarOrdinaryWay: ['busbar.ts', 'ordinary'],
  mercuriusJit: ['mercurius.ts'],
  yogaJit: ['yoga.ts', 'jit'],
  yoga: ['yoga.ts'],
} as const;

type Server = keyof typeof SERVERS | 'postgraphile';

const PROGRAMS = Object.keys(SERVERS) as (keyof typeof SERVERS)[];
const EVERYONE: readonly Server[] = [...PROGRAMS, 'postgraphile'];

const CASES: readonly { name: string; wording: 'rows' | 'columns'; points: number; servers: readonly Server[] }[] = [
  { name: 'rows100', wording: 'rows', points: 100, servers: EVERYONE },
  { name: 'rows10', wording: 'rows', points: 10, servers: EVERYONE },
  {
    name: 'columns100',
    wording: 'columns',
    points: 100,
    servers: ['plain', 'busbar', 'busbarClosed', 'busbarOrdinaryWay'],
  },
];

interface Serving {
  readonly pid: number;
  readonly url: string;
  readonly credential?: string | undefined;
  kill(): Promise<void>;
}

export async function run() {
  const store = await openBenchStore();
  const serving = new Map<Server, Serving>();
  try {
    const { pool, url } = await store.fresh('query');
    await fillStore(pool);
    for (const server of PROGRAMS) serving.set(server, await startServer(server, url));
    const postgraphile = await startPostgraphile(pool, url).catch(leftOut);
    if (postgraphile) serving.set('postgraphile', postgraphile);
    const results: Record<string, object> = {};
    for (const { name, wording, points, servers } of CASES) {
      const targets = servers.flatMap((server) => {
        const found = serving.get(server);
        return found ? [[server, { ...found, wording: wordingFor(server, wording) }] as const] : [];
      });
      await requireSameAnswers(targets, points);
      results[name] = await measured(targets, points, async (server) => ({
        server: await cpuTimesOf([serving.get(server)?.pid ?? process.pid]),
        store: await cpuTimesOf(await backendsOf(pool)),
      }));
    }
    return {
      load: { connections: CONNECTIONS, rounds: ROUNDS, answersARound: ROUND_ANSWERS, fields: 5 },
      nodes: { everyone: process.version, postgraphile: postgraphile?.node ?? 'left out' },
      baseline: 'plain: node:http and json_agg',
      ...results,
      atLeast: 0.6,
    };
  } finally {
    await Promise.all([...serving.values()].map((each) => each.kill()));
    await store.close();
  }
}

async function startServer(server: keyof typeof SERVERS, databaseUrl: string): Promise<Serving> {
  const [file, ...given] = SERVERS[server];
  const program = startProgram(`bench/query/${file}`, { DATABASE_URL: databaseUrl, NODE_ENV: 'production' }, given);
  const [, port] = await program.sees(/listening on port (\d+)/);
  const credential = server === 'busbarClosed' ? (await program.sees(/authorization (\S+)/))[1] : undefined;
  return { pid: program.pid, credential, url: `http://127.0.0.1:${port}/graphql`, kill: program.kill };
}

function leftOut(error: unknown): Postgraphile | undefined {
  console.error(`PostGraphile is left out: ${messageOf(error)}`);
  return undefined;
}

function wordingFor(server: Server, wording: WordingName): WordingName {
  return server === 'postgraphile' ? 'ofFunction' : wording;
}

/** Who answers something else would be measured for something else. */
async function requireSameAnswers(targets: readonly (readonly [Server, Target])[], points: number): Promise<void> {
  const question = randomQuestion(points);
  const answers = new Map<Server, string>();
  for (const [server, target] of targets) {
    const text = await answerOf(target, question);
    // Written anew: plain has Postgres' blanks in it.
    answers.set(server, JSON.stringify(answerIn(target.wording, text)));
  }
  const expected = answers.get('plain');
  for (const [server, answer] of answers) {
    if (answer !== expected) throw new Error(`${server} answers otherwise than plain: ${answer.slice(0, 500)}`);
  }
}

interface Cpu {
  readonly server: CpuTimes;
  readonly store: CpuTimes;
}

async function measured(
  targets: readonly (readonly [Server, Target])[],
  points: number,
  cpuOf: (server: Server) => Promise<Cpu>,
) {
  for (const [, target] of targets) await rateOf(target, points, WARM_UP_ANSWERS);
  const rates = new Map<Server, number[]>(targets.map(([server]) => [server, []]));
  const spent = new Map(targets.map(([server]) => [server, { server: [] as number[], store: [] as number[] }]));
  // In turns, so that what the machine does beside falls on all.
  for (let round = 0; round < ROUNDS; round++) {
    for (const [server, target] of targets) {
      const before = await cpuOf(server);
      rates.get(server)?.push(await rateOf(target, points, ROUND_ANSWERS));
      const after = await cpuOf(server);
      spent.get(server)?.server.push(usBetween(before.server, after.server) / ROUND_ANSWERS);
      spent.get(server)?.store.push(usBetween(before.store, after.store) / ROUND_ANSWERS);
    }
  }
  const medians = [...rates].map(([server, values]) => [server, median(values)] as const);
  const plain = median(rates.get('plain') ?? []);
  return {
    requestsPerSecond: Object.fromEntries(medians.map(([server, rate]) => [server, Math.round(rate)])),
    cpuUsPerAnswer: Object.fromEntries(
      [...spent].map(([server, us]) => [
        server,
        { server: Math.round(median(us.server)), store: Math.round(median(us.store)) },
      ]),
    ),
    ratioToPlain: Object.fromEntries(medians.map(([server, rate]) => [server, Math.round((rate / plain) * 100) / 100])),
  };
}
