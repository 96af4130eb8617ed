/**
 * Prices of one node in five columns, over HTTP, from Postgres: Busbar against the practical limit (node:http and json_agg, no
 * GraphQL) and against what others would build on. Each server is a process of its own with ten connections, in the same form
 * of prepared statement; one load generator asks them in turns. Beside the rates stands what each answer takes of the CPU, in the
 * server and in Postgres, which other work on the machine shifts less than the rates.
 */
import { type Running, startProgram } from '../tests/support/processes.ts';
import { openBenchStore } from './bench-store.ts';
import { backendsOf, type CpuTimes, cpuTimesOf, usBetween } from './query/cpu.ts';
import { answerOf, CONNECTIONS, randomQuestion, rateOf, type Target } from './query/load.ts';
import { fillStore } from './query/store.ts';
import { median } from './summary.ts';

const ROUNDS = 5;
const ROUND_ANSWERS = 4_000;
/** Enough for the compiler of V8 to have settled, however busy the machine is. */
const WARM_UP_ANSWERS = 10_000;

const SERVERS = {
  plain: ['plain.ts'],
  busbar: ['busbar.ts'],
  busbarOrdinaryWay: ['busbar.ts', 'ordinary'],
  mercuriusJit: ['mercurius.ts'],
  yogaJit: ['yoga.ts', 'jit'],
  yoga: ['yoga.ts'],
} as const;

type Server = keyof typeof SERVERS;

const BUSBAR: readonly Server[] = ['plain', 'busbar', 'busbarOrdinaryWay'];
const EVERYONE = Object.keys(SERVERS) as Server[];

const CASES = [
  { name: 'rows100', query: 'rows', points: 100, servers: EVERYONE },
  { name: 'rows10', query: 'rows', points: 10, servers: EVERYONE },
  { name: 'columns100', query: 'columns', points: 100, servers: BUSBAR },
] as const;

export async function run() {
  const store = await openBenchStore();
  const running: Running[] = [];
  try {
    const { pool, url } = await store.fresh('query');
    await fillStore(pool);
    const urls = new Map<Server, string>();
    const pids = new Map<Server, number>();
    for (const server of EVERYONE) {
      const [file, ...given] = SERVERS[server];
      const environment = { DATABASE_URL: url, NODE_ENV: 'production' };
      const program = startProgram(`bench/query/${file}`, environment, given);
      running.push(program);
      pids.set(server, program.pid);
      const [, port] = await program.sees(/listening on port (\d+)/);
      urls.set(server, `http://127.0.0.1:${port}/graphql`);
    }
    const results: Record<string, object> = {};
    for (const { name, query, points, servers } of CASES) {
      const targets = servers.map((server) => [server, { url: urls.get(server) ?? '', query }] as const);
      await requireSameAnswers(targets, points);
      results[name] = await measured(targets, points, async (server) => ({
        server: await cpuTimesOf([pids.get(server) ?? process.pid]),
        store: await cpuTimesOf(await backendsOf(pool)),
      }));
    }
    return {
      load: { connections: CONNECTIONS, rounds: ROUNDS, answersARound: ROUND_ANSWERS, fields: 5 },
      baseline: 'plain: node:http and json_agg',
      ...results,
      atLeast: 0.6,
    };
  } finally {
    await Promise.all(running.map((program) => program.kill()));
    await store.close();
  }
}

/** Who answers something else would be measured for something else. */
async function requireSameAnswers(targets: readonly (readonly [Server, Target])[], points: number): Promise<void> {
  const question = randomQuestion(points);
  const answers = new Map<Server, string>();
  for (const [server, target] of targets) answers.set(server, await answerOf(target, question));
  const expected = parsed(answers.get('plain'));
  for (const [server, answer] of answers) {
    if (parsed(answer) !== expected) throw new Error(`${server} answers otherwise than plain: ${answer.slice(0, 500)}`);
  }
}

/** Written anew: plain has Postgres' blanks in it. */
function parsed(text = ''): string {
  return JSON.stringify(JSON.parse(text));
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
