/**
 * Faults at random moments, while records flow: processes die of SIGKILL, and the ways between them are cut, stall, or are
 * half-open. Whoever dies is started again at once; nobody else helps. When the faults are over and the log is read to
 * its end, every record must have had its effect exactly once, for whoever looks at the table, the ledger, the bus, or
 * through the gateway.
 *
 * Redis is never killed: it holds the live stream in memory only. Losing that is told to subscribers (`CURSOR_EXPIRED`),
 * which is another matter than losing records.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { LiveVerdict } from '../faults/live-record.ts';
import { oracleOf, type PriceSeries } from '../faults/price-series.ts';
import { type Stage, sound } from '../faults/stage.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import type { TcpProxy } from '../support/tcp-proxy.ts';
import { type Cast, type Casting, startCast } from './cast.ts';
import { type Fault, type FaultPlan, planFaults } from './fault-plan.ts';

/** What the faults are played on, and what is seen of it at the end. */
export interface Played<Seen>
  extends Pick<
    Stage,
    'live' | 'network' | 'startIngestors' | 'startGateway' | 'records' | 'produce' | 'readRecords' | 'unread'
  > {
  verdict(): Promise<Seen>;
}

export interface RandomFaults<Seen extends object> extends Casting {
  readonly stage: Played<Seen>;
  readonly series: PriceSeries;
  readonly broker: KafkaBroker | undefined;
  readonly kills: number;
  readonly cuts: number;
  /** How often ingestors leave in good order, or join. */
  readonly rebalances?: number;
  /** Longest time from one fault to the next. */
  readonly gapMsMax: number;
  readonly progress?: (line: string) => void;
}

export interface RandomFaultsVerdict {
  readonly faults: Readonly<Record<string, number>>;
  /** Faults that came while records were on their way. */
  readonly inTheMiddle: number;
  /** Who ended without having been killed, with its last words: it found no broker or store when it started, say. */
  readonly endedByThemselves: readonly string[];
  readonly exitCodes: readonly (number | null)[];
  /** What the subscriber saw through the gateway; undefined without one. */
  readonly gateway: LiveVerdict | undefined;
  readonly interruptions: number;
}

/** Half-open connections are noticed within the run. */
const ANSWER_MS_MAX = 3_000;
const STALL_MS_MAX = 3_000;
/** Long enough for partitions to go to those who are there. */
const STAY_MS_MAX = 15_000;
const AWAY_MS_MAX = 8_000;
/** From producing a share of the records to the fault that meets them. */
const FLOW_MS_MAX = 800;
const RECOVERY_MS_MAX = 180_000;

export async function runRandomFaults<Seen extends object>(
  run: RandomFaults<Seen>,
): Promise<Seen & RandomFaultsVerdict> {
  const { stage, series, broker } = run;
  const cast = await startCast(stage, broker, { ...run, ...(run.cuts > 0 && { answerMsMax: ANSWER_MS_MAX }) });
  const { processes, ingestors, gateway, subscriber } = cast;
  const plan = planFaults({
    seed: series.seed,
    kills: run.kills,
    cuts: run.cuts,
    rebalances: run.rebalances ?? 0,
    victims: cast.victims.map(({ name }) => name),
    services: ['store', 'bus', ...(broker ? ['kafka' as const] : [])],
  });
  const inTheMiddle = await inflictAll(run, cast, plan);
  run.progress?.('the faults are over');
  await Promise.all(processes.map((process) => process.up()));
  await readToTheEnd(stage);
  const exitCodes = await Promise.all(ingestors.map((each) => each.stop()));
  await stage.live.caughtUp();
  await subscriber?.reached(stage.live.cursor, RECOVERY_MS_MAX);
  await subscriber?.stop();
  if (gateway) exitCodes.push(await gateway.stop());
  run.progress?.('everything is read, and compared now');
  return {
    ...(await stage.verdict()),
    faults: counted(plan.faults),
    inTheMiddle,
    endedByThemselves: processes.flatMap(({ name, ends }) => ends.map((last) => `${name}: ${lastWords(last)}`)),
    exitCodes,
    gateway: subscriber?.record.compare(oracleOf(series)),
    interruptions: subscriber?.interruptions ?? 0,
  };
}

/** Of a crash all that was said: its last line is only the version of Node. */
function lastWords(said: string): string {
  const last = said.split('\n').at(-1) ?? '';
  return last.startsWith('Node.js ') ? said : last;
}

/** What the verdict says where each record had its effect exactly once, whoever looks. */
export function soundRun({ series, ingestors, gateway }: Casting & { readonly series: PriceSeries }) {
  const { live, ...store } = sound(series);
  const exitCodes = Array.from({ length: gateway ? ingestors + 1 : ingestors }, () => 0);
  return { ...store, live, gateway: gateway ? live : undefined, exitCodes };
}

/** Each fault meets a share of the records. @returns how many came while records were on their way. */
async function inflictAll(run: RandomFaults<object>, cast: Cast, { faults, chance }: FaultPlan): Promise<number> {
  const { stage, gapMsMax, progress } = run;
  const { records } = stage;
  const share = Math.ceil(records / (faults.length + 1));
  const lasting: Promise<void>[] = [];
  let inTheMiddle = 0;
  let sent = 0;
  let producing = Promise.resolve();
  const produceShare = () => {
    sent = Math.min(sent + share, records);
    producing = producing.then(() => stage.produce(share));
  };
  for (const [index, fault] of faults.entries()) {
    produceShare();
    await pause(chance() * FLOW_MS_MAX);
    const waiting = sent - (await stage.readRecords());
    if (waiting > 0) inTheMiddle += 1;
    progress?.(`${index + 1} of ${faults.length}: ${nameOf(fault)}; ${sent} sent, ${waiting} of them not stored`);
    const inflicted = inflict(fault, run, cast, chance);
    // What fails is met when all faults are over.
    inflicted.catch(() => undefined);
    lasting.push(inflicted);
    await pause(chance() * gapMsMax);
  }
  produceShare();
  await Promise.all([producing, ...lasting]);
  return inTheMiddle;
}

/** Resolves when the fault is over, as far as it has an end. */
async function inflict(
  fault: Fault,
  { broker }: RandomFaults<object>,
  cast: Cast,
  chance: () => number,
): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      return cast.victims.find(({ name }) => name === fault.victim)?.kill();
    case 'join':
      return cast.guest(chance() * STAY_MS_MAX);
    case 'leave':
      return cast.ingestors[Math.floor(chance() * cast.ingestors.length)]?.leave(chance() * AWAY_MS_MAX);
    default:
      return disturb(fault.kind, proxyOf(fault.service, broker, cast, chance), chance);
  }
}

function proxyOf(
  service: 'store' | 'bus' | 'kafka',
  broker: KafkaBroker | undefined,
  { networks }: Cast,
  chance: () => number,
): TcpProxy | undefined {
  const network = networks[Math.floor(chance() * networks.length)];
  return service === 'kafka' ? broker?.network : network?.[service];
}

async function disturb(
  kind: 'cut' | 'stall' | 'half-open',
  proxy: TcpProxy | undefined,
  chance: () => number,
): Promise<void> {
  if (kind === 'cut') return proxy?.cut();
  if (kind === 'half-open') return proxy?.freeze();
  proxy?.stall();
  await pause(chance() * STALL_MS_MAX);
  proxy?.resume();
}

/** However long it takes, as long as it goes on. */
async function readToTheEnd(stage: Pick<Stage, 'unread'>): Promise<void> {
  let unread = Number.POSITIVE_INFINITY;
  for (let deadline = 0; ; await pause(100)) {
    const left = await stage.unread();
    if (left === 0) return;
    if (left < unread) deadline = Date.now() + RECOVERY_MS_MAX;
    if (Date.now() > deadline) throw new Error(`${left} records are still unread`);
    unread = Math.min(unread, left);
  }
}

function nameOf(fault: Fault): string {
  if (fault.kind === 'leave' || fault.kind === 'join') return fault.kind;
  return `${fault.kind} ${fault.kind === 'kill' ? fault.victim : fault.service}`;
}

function counted(faults: readonly Fault[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const fault of faults) counts[nameOf(fault)] = (counts[nameOf(fault)] ?? 0) + 1;
  return counts;
}
