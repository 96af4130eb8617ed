import { setTimeout as pause } from 'node:timers/promises';
import type { SabotageName } from '../faults/sabotage/sabotages.ts';
import type { Network, Stage } from '../faults/stage.ts';
import type { KafkaBroker } from '../support/kafka.ts';
import type { Running } from '../support/processes.ts';
import { cursorAt, type GatewaySubscriber, subscribeThroughGateway } from './gateway-subscriber.ts';
import { type Supervised, supervise } from './supervised.ts';

/** What of a stage the cast needs. */
type CastStage = Pick<Stage, 'network' | 'startIngestors' | 'startGateway' | 'live'>;

/** Who plays in a soak: processes, each behind a network of its own, and a subscriber where there is a gateway. */
export interface Cast {
  readonly ingestors: readonly Supervised[];
  readonly gateway: Supervised | undefined;
  readonly processes: readonly Supervised[];
  /** Whom to kill: the processes, and the broker where there is one. */
  readonly victims: readonly Victim[];
  readonly networks: readonly Network[];
  readonly subscriber: GatewaySubscriber | undefined;
  /** One more reads for so long beside the ingestors, and goes. */
  guest(stayMs: number): Promise<void>;
}

export type Victim = Pick<Supervised, 'name' | 'kill'>;

export interface Casting {
  readonly ingestors: number;
  /** Whether there is a gateway, with a subscriber to all prices. */
  readonly gateway: boolean;
  readonly sabotage: SabotageName | undefined;
  /** When a connection to the store that does not answer is given up; a minute by default. */
  readonly answerMsMax?: number;
}

/** Resolves when all are up. */
export async function startCast(stage: CastStage, broker: KafkaBroker | undefined, casting: Casting): Promise<Cast> {
  const networks: Network[] = [];
  const ingestors: Supervised[] = [];
  const starter = async () => {
    const network = await stage.network(casting.answerMsMax);
    networks.push(network);
    return () => stage.startIngestors(network, casting.sabotage);
  };
  for (let number = 1; number <= casting.ingestors; number++) {
    ingestors.push(supervise(`ingestors ${number}`, INGESTORS_UP, await starter()));
  }
  const served = casting.gateway ? await startGateway(stage, casting.answerMsMax) : undefined;
  if (served) networks.push(served.network);
  const processes = [...ingestors, ...(served ? [served.gateway] : [])];
  await Promise.all(processes.map((process) => process.up()));
  const subscriber = served && subscribeThroughGateway(served.url, cursorAt(stage.live.beginning));
  const victims = broker ? [...processes, victimOf(broker)] : processes;
  const guest = async (stayMs: number) => {
    // Supervised, as the others are: where it comes while the broker is away, it ends and is started again.
    const visiting = supervise('guest', INGESTORS_UP, await starter());
    await visiting.up();
    await pause(stayMs);
    await visiting.stop();
  };
  return { ingestors, gateway: served?.gateway, processes, victims, networks, subscriber, guest };
}

const INGESTORS_UP = /"part":"ingestors","msg":"part started"/;

/** Killed again only when it is back: there are not to be two of it. */
function victimOf(broker: KafkaBroker): Victim {
  let back = Promise.resolve();
  const kill = () => {
    back = back.then(() => broker.kill()).then(() => broker.restart());
    return back;
  };
  return { name: 'broker', kill };
}

const LISTENING = /"url":"(http:[^"]+:(\d+)\/graphql)"/;

/** Each life of the gateway listens where the first one did. */
async function startGateway(
  stage: CastStage,
  answerMsMax: number | undefined,
): Promise<{ gateway: Supervised; network: Network; url: string }> {
  const network = await stage.network(answerMsMax);
  let first: Running | undefined = stage.startGateway(network, 0);
  const [, url = '', port] = await first.sees(LISTENING);
  const gateway = supervise('gateway', LISTENING, () => {
    const started = first ?? stage.startGateway(network, Number(port));
    first = undefined;
    return started;
  });
  return { gateway, network, url };
}
