import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { EventLog } from '../../ingestors/sources/event-log.ts';

export interface Idle {
  /** Of one core. */
  readonly cpuPercent: number;
  /** Timers that are made. */
  readonly timersPerSecond: number;
}

const CONSUMERS = [1, 12] as const;
const PARTITIONS = 6;
const PROCESS = fileURLToPath(new URL('./idle-process.ts', import.meta.url));
const run = promisify(execFile);

/** What consumers of empty topics take: kafkajs as it is, and as Busbar runs it. */
export async function measureIdle(eventLog: EventLog, broker: string) {
  const topics = Array.from({ length: Math.max(...CONSUMERS) }, (_, number) => `idle-${number}`);
  const spec = { partitions: PARTITIONS, retentionMs: 86_400_000, recordBytesMax: 1_000_000 };
  await eventLog.ensureTopics(topics.map((topic) => ({ topic, ...spec })));
  const measured = [];
  for (const consumers of CONSUMERS) {
    const of = (whose: 'stock' | 'busbar') => idleOf(whose, broker, topics.slice(0, consumers));
    measured.push({ consumers, partitionsEach: PARTITIONS, stock: await of('stock'), busbar: await of('busbar') });
  }
  return measured;
}

async function idleOf(whose: string, broker: string, topics: readonly string[]): Promise<Idle> {
  const { stdout } = await run(process.execPath, ['--import', 'tsx', PROCESS, whose, broker, ...topics]);
  return JSON.parse(stdout) as Idle;
}
