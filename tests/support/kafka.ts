import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { KAFKA_JARS } from './services.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

export interface KafkaBroker {
  /** `host:port`, as `KAFKA_BROKERS` and kafkajs want it. */
  readonly brokers: readonly string[];
  readonly port: number;
  /** What lies between the broker and those who were given `brokersBehindNetwork`. */
  readonly network: TcpProxy;
  readonly brokersBehindNetwork: readonly string[];
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Starts it again with its data on the same port, after `kill` or in place of the running one (SIGTERM). */
  restart(): Promise<void>;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

const START_MS_MAX = 60_000;
const LOG_CONFIG = fileURLToPath(new URL('./kafka/log4j2.properties', import.meta.url));

/**
 * A real Kafka broker, one node in KRaft mode, on free ports of the loopback; ready in 3 to 5 s.
 * The jars come from `tests/support/kafka/fetch.sh`: guard the suite with `requireOrSkip('kafka')`.
 */
export async function startKafka(): Promise<KafkaBroker> {
  const folder = await mkdtemp(join(tmpdir(), 'busbar-kafka-'));
  const [port, controllerPort, networkPort] = await freePorts();
  const network = await startTcpProxy(networkPort);
  const properties = join(folder, 'server.properties');
  await writeFile(properties, serverProperties({ folder, port, controllerPort, networkPort, network }));
  await format(properties);
  let broker = await launch(properties);
  return {
    brokers: [`127.0.0.1:${port}`],
    port,
    network,
    brokersBehindNetwork: [`127.0.0.1:${network.port}`],
    kill: () => end(broker, 'SIGKILL'),
    async restart() {
      await end(broker, 'SIGTERM');
      broker = await launch(properties);
    },
    async stop() {
      await Promise.all([end(broker, 'SIGKILL'), network.close()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes with Kafka's own console producer: one record a line, `key<tab>value`. */
export async function produceWithKafkaTools(broker: string, topic: string, lines: readonly string[]): Promise<void> {
  const properties = ['parse.key=true', 'key.separator=\t'].flatMap((each) => ['--property', each]);
  const tool = java('org.apache.kafka.tools.ConsoleProducer', [
    ...['--bootstrap-server', broker, '--topic', topic],
    ...properties,
  ]);
  tool.stdin.end(lines.map((line) => `${line}\n`).join(''));
  await succeeds(tool);
}

interface Listeners {
  readonly folder: string;
  readonly port: number;
  readonly controllerPort: number;
  readonly networkPort: number;
  readonly network: TcpProxy;
}

/** A broker tells its clients where it is; whoever came through the network is told to stay behind it. */
function serverProperties({ folder, port, controllerPort, networkPort, network }: Listeners): string {
  const address = (listener: string, at: number) => `${listener}://127.0.0.1:${at}`;
  const direct = address('PLAINTEXT', port);
  const singles = ['offsets.topic.replication.factor', 'transaction.state.log.replication.factor'].concat(
    ['transaction.state.log.min.isr', 'share.coordinator.state.topic.replication.factor'],
    ['share.coordinator.state.topic.min.isr'],
  );
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    `controller.quorum.voters=1@127.0.0.1:${controllerPort}`,
    `listeners=${direct},${address('NETWORK', networkPort)},${address('CONTROLLER', controllerPort)}`,
    `advertised.listeners=${direct},${address('NETWORK', network.port)}`,
    'controller.listener.names=CONTROLLER',
    'inter.broker.listener.name=PLAINTEXT',
    'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,NETWORK:PLAINTEXT',
    `log.dirs=${join(folder, 'log')}`,
    'auto.create.topics.enable=false',
    // Topics of the tests are many and small: few partitions for the broker's own, and no wait for more members.
    'offsets.topic.num.partitions=1',
    'transaction.state.log.num.partitions=1',
    'group.initial.rebalance.delay.ms=0',
    // A killed broker comes back under the same id once the controller has given the old one up.
    'broker.session.timeout.ms=2000',
    'broker.heartbeat.interval.ms=500',
    ...singles.map((name) => `${name}=1`),
  ];
  return `${lines.join('\n')}\n`;
}

async function format(properties: string): Promise<void> {
  // The tool takes an id that begins with a hyphen for an option; so does one in 64 of them.
  const clusterId = Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url').replace(/^-/, 'A');
  await succeeds(java('kafka.tools.StorageTool', ['format', '-t', clusterId, '-c', properties]));
}

async function launch(properties: string): Promise<ChildProcess> {
  const broker = java('kafka.Kafka', [properties]);
  broker.stderr.resume();
  const lines: string[] = [];
  const timer = setTimeout(() => broker.kill('SIGKILL'), START_MS_MAX);
  try {
    // The pipe stays read to its end: a broker that nobody listens to would block on a full one.
    await new Promise<void>((resolve, reject) => {
      createInterface({ input: broker.stdout })
        .on('line', (line) => (line.includes('Kafka Server started') ? resolve() : lines.push(line)))
        .on('close', () => reject(new Error(`the broker did not start:\n${lines.join('\n')}`)));
    });
  } finally {
    clearTimeout(timer);
  }
  return broker;
}

function java(main: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  // The first compiler alone: the broker is there in half the time.
  const options = [
    '-Xmx384m',
    '-XX:+UseSerialGC',
    '-XX:TieredStopAtLevel=1',
    `-Dlog4j2.configurationFile=${LOG_CONFIG}`,
  ];
  return spawn('java', [...options, '-cp', join(KAFKA_JARS, '*'), main, ...args], { stdio: 'pipe' });
}

async function succeeds(tool: ChildProcessWithoutNullStreams): Promise<void> {
  const said: string[] = [];
  for (const stream of [tool.stdout, tool.stderr]) stream.on('data', (chunk: Buffer) => said.push(chunk.toString()));
  const [code] = await once(tool, 'close');
  if (code !== 0) throw new Error(`${tool.spawnargs.at(-1)} ended with ${code}:\n${said.join('')}`);
}

async function end(broker: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return;
  const gone = once(broker, 'exit');
  broker.kill(signal);
  await gone;
}

/**
 * Below those that the kernel gives to whoever asks for any: a broker that is killed finds its ports free when it comes
 * back, whoever has tried to reach it meanwhile.
 */
const [PORTS_FROM, PORTS_TO] = [20_000, 32_000];

async function freePorts(): Promise<[number, number, number]> {
  const ports = new Set<number>();
  while (ports.size < 3) {
    const port = PORTS_FROM + Math.floor(Math.random() * (PORTS_TO - PORTS_FROM));
    if (await isFree(port)) ports.add(port);
  }
  const [one = 0, two = 0, three = 0] = ports;
  return [one, two, three];
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
  } catch {
    return false;
  }
  await once(server.close(), 'close');
  return true;
}
