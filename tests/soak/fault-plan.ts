import { createNoise } from '../../ingestors/simulator/noise.ts';

/** What is cut: the way to the store, to the live bus, or to Kafka. */
export type Service = 'store' | 'bus' | 'kafka';

export type Fault =
  | { readonly kind: 'kill'; readonly victim: string }
  /** Ingestors stop in good order for a while, or others join them: in both cases partitions go from one to another. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'join' }
  | { readonly kind: 'cut' | 'stall' | 'half-open'; readonly service: Service };

export interface FaultPlan {
  readonly faults: readonly Fault[];
  /** In [0, 1), the same for the same seed: how long to wait, whom to take. */
  chance(): number;
}

/** Every service in every way. A half-open connection to Kafka is noticed after half a minute, so it comes last. */
const CUTS: readonly Extract<Fault, { service: Service }>[] = [
  { kind: 'cut', service: 'store' },
  { kind: 'half-open', service: 'bus' },
  { kind: 'stall', service: 'kafka' },
  { kind: 'half-open', service: 'store' },
  { kind: 'cut', service: 'bus' },
  { kind: 'cut', service: 'kafka' },
  { kind: 'stall', service: 'store' },
  { kind: 'stall', service: 'bus' },
  { kind: 'half-open', service: 'kafka' },
];

/** Of a hundred kills these are the broker's: each stops everybody for seconds. */
const BROKER_PERCENT = 8;

/**
 * So many kills, cuts and rebalances in an order of chance, the same for the same seed.
 * @param victims whom to kill; the broker, where it is among them, now and then only.
 */
export function planFaults(plan: {
  readonly seed: number;
  readonly kills: number;
  readonly cuts: number;
  readonly rebalances: number;
  readonly victims: readonly string[];
  readonly services: readonly Service[];
}): FaultPlan {
  const noise = createNoise(plan.seed, 'faults');
  let asked = 0;
  const chance = () => noise.uniform('chance', asked++);
  const others = plan.victims.filter((victim) => victim !== 'broker');
  const brokerKills = others.length < plan.victims.length ? Math.ceil((plan.kills * BROKER_PERCENT) / 100) : 0;
  const kills = Array.from({ length: plan.kills }, (_, index): Fault => {
    const victim = index < brokerKills ? 'broker' : others[index % others.length];
    return { kind: 'kill', victim: victim ?? 'nobody' };
  });
  const possible = CUTS.filter((cut) => plan.services.includes(cut.service));
  const cuts = Array.from({ length: plan.cuts }, (_, index) => possible[index % possible.length]);
  const rebalances = Array.from({ length: plan.rebalances }, (_, index): Fault => {
    return { kind: index % 2 ? 'leave' : 'join' };
  });
  return { faults: shuffled([...kills, ...cuts.filter((cut) => cut !== undefined), ...rebalances], chance), chance };
}

function shuffled<T>(things: readonly T[], chance: () => number): T[] {
  return things
    .map((thing) => ({ thing, order: chance() }))
    .sort((one, other) => one.order - other.order)
    .map(({ thing }) => thing);
}
