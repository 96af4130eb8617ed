import { HOUR_MS, MINUTE_MS } from '../../domain/instant.ts';
import { localNameOf, MARKETS, marketOf, type NodeName, nodeNameFrom } from '../../domain/market.ts';
import { createNoise, type Noise } from './noise.ts';

/**
 * Prices that look like a market's and are a pure function of (seed, node, instant): any two processes with the same
 * seed agree, in any order of asking. Whole cents per MWh inside, so that
 * `lmp = energy + congestion + loss` is exact; dollars per MWh outside.
 *
 * Energy is one price for the whole market; congestion and loss are the node's. A day-ahead price is the shape of the
 * day with little noise, a real-time price adds what nobody foresaw: noise that reverts to the shape, and spikes.
 */
export interface MarketModel {
  /** The price of the delivery hour that begins at the instant. */
  dayAhead(node: NodeName, atMs: number): SimulatedLmp;
  realTime(node: NodeName, atMs: number): SimulatedLmp;
}

/** US dollars per MWh, whole cents. */
export interface SimulatedLmp {
  readonly lmp: number;
  readonly energy: number;
  readonly congestion: number;
  readonly loss: number;
}

/** US dollars per MWh. */
interface Profile {
  readonly base: number;
  readonly morningPeak: number;
  readonly eveningPeak: number;
  /** How far solar output presses the price down at midday; more than the base makes prices negative. */
  readonly middayDip: number;
  /** How far wind presses it down before dawn. */
  readonly nightDip: number;
  /** Size of the noise; spikes grow with it. */
  readonly volatility: number;
}

const PROFILES: Readonly<Record<(typeof MARKETS)[number]['id'], Profile>> = {
  CAISO: { base: 38, morningPeak: 14, eveningPeak: 42, middayDip: 44, nightDip: 4, volatility: 9 },
  ERCOT: { base: 30, morningPeak: 6, eveningPeak: 34, middayDip: 12, nightDip: 16, volatility: 14 },
  ISONE: { base: 41, morningPeak: 12, eveningPeak: 22, middayDip: 8, nightDip: 8, volatility: 7 },
  MISO: { base: 31, morningPeak: 8, eveningPeak: 16, middayDip: 2, nightDip: 12, volatility: 6 },
  NYISO: { base: 42, morningPeak: 12, eveningPeak: 22, middayDip: 4, nightDip: 10, volatility: 8 },
  PJM: { base: 34, morningPeak: 10, eveningPeak: 18, middayDip: 2, nightDip: 8, volatility: 6 },
  SPP: { base: 26, morningPeak: 8, eveningPeak: 18, middayDip: 4, nightDip: 24, volatility: 9 },
};

interface NodeState {
  readonly profile: Profile;
  readonly localHour: (atMs: number) => number;
  readonly market: Noise;
  readonly node: Noise;
}

/** @throws TypeError from either price where the node is not one of `nodes`. */
export function createMarketModel({ seed, nodes }: { seed: number; nodes: readonly NodeName[] }): MarketModel {
  const clocks = new Map(MARKETS.map(({ id, timeZone }) => [id as string, createLocalHour(timeZone)]));
  const states = new Map(nodes.map((node) => [node, nodeStateFrom(seed, node, clocks)]));
  const stateOf = (node: NodeName): NodeState => {
    const state = states.get(node);
    if (!state) throw new TypeError(`the model was not made for the node ${node}`);
    return state;
  };
  return {
    dayAhead: (node, atMs) => dayAheadLmp(stateOf(node), atMs),
    realTime: (node, atMs) => realTimeLmp(stateOf(node), atMs),
  };
}

/** The hubs of the desk, which come first in every simulation. */
const HUBS = ['PJM-WEST', 'ERCOT-HOUSTON', 'NYISO-ZONEJ', 'CAISO-NP15'];

const GENERATED_MARKETS = ['PJM', 'ERCOT', 'NYISO', 'CAISO', 'ISONE', 'MISO', 'SPP'];

/** The four hubs, then `PJM:PJM-SIM-0001`, `ERCOT:ERCOT-SIM-0001` … market by market. */
export function nodesFor(count: number): NodeName[] {
  return Array.from({ length: count }, (_, place) => nodeFromHub(HUBS[place] ?? generatedHub(place - HUBS.length)));
}

function generatedHub(place: number): string {
  const market = GENERATED_MARKETS[place % GENERATED_MARKETS.length];
  const number = Math.floor(place / GENERATED_MARKETS.length) + 1;
  return `${market}-SIM-${String(number).padStart(4, '0')}`;
}

function nodeFromHub(hub: string): NodeName {
  const node = nodeNameFrom(hub.slice(0, hub.indexOf('-')), hub);
  if (node === undefined) throw new TypeError(`not a hub of a market of ours: ${hub}`);
  return node;
}

function nodeStateFrom(seed: number, node: NodeName, clocks: ReadonlyMap<string, (atMs: number) => number>): NodeState {
  const { id } = marketOf(node);
  const profile = (PROFILES as Readonly<Record<string, Profile>>)[id];
  const localHour = clocks.get(id);
  if (!profile || !localHour) throw new TypeError(`no profile for the market ${id}`);
  return { profile, localHour, market: createNoise(seed, id), node: createNoise(seed, localNameOf(node)) };
}

function dayAheadLmp(state: NodeState, atMs: number): SimulatedLmp {
  const { profile, market, node } = state;
  const energy =
    shape(profile, state.localHour(atMs)) + 0.5 * profile.volatility * market.smooth('day-ahead', atMs, 6 * HOUR_MS);
  return lmpFrom(energy, congestionOf(node, atMs, profile), lossFactorOf(node));
}

function realTimeLmp(state: NodeState, atMs: number): SimulatedLmp {
  const { profile, market, node } = state;
  const drift = market.smooth('drift', atMs, 2 * HOUR_MS) + 0.6 * market.smooth('swing', atMs, 20 * MINUTE_MS);
  const jitter = 0.08 * market.smooth('jitter', atMs, 5_000);
  const energy =
    shape(profile, state.localHour(atMs)) + profile.volatility * (drift + jitter) + spike(market, atMs, profile);
  const congestion =
    congestionOf(node, atMs, profile) + 0.3 * profile.volatility * node.smooth('redispatch', atMs, 15 * MINUTE_MS);
  // What tells one node's tick from the next within a second.
  return lmpFrom(energy, congestion + 0.05 * node.white('tick', atMs), lossFactorOf(node));
}

/** Two peaks over the base, dips at midday and before dawn, by local clock hour. */
function shape(profile: Profile, hour: number): number {
  return (
    profile.base +
    profile.morningPeak * bump(hour, 7.5, 1.5) +
    profile.eveningPeak * bump(hour, 19, 2) -
    profile.middayDip * bump(hour, 12.5, 2.5) -
    profile.nightDip * bump(hour, 3, 2)
  );
}

/** A bell of height 1 on the circle of 24 hours. */
function bump(hour: number, centre: number, width: number): number {
  const distance = Math.abs(hour - centre);
  const around = Math.min(distance, 24 - distance) / width;
  return Math.exp(-0.5 * around * around);
}

const SPIKE_SLOT_MS = 5 * MINUTE_MS;
/** About one spike in a market's day. */
const SPIKE_CHANCE = 1 / 288;
const SPIKE_SLOTS = 4;
const SPIKE_DECAY = 0.45;
const SPIKE_MAX = 1_500;

/** A shortage of supply begins with an interval and halves with each that follows. */
function spike(market: Noise, atMs: number, profile: Profile): number {
  const slot = Math.floor(atMs / SPIKE_SLOT_MS);
  let height = 0;
  for (let age = 0; age < SPIKE_SLOTS; age += 1) {
    const startAt = (slot - age) * SPIKE_SLOT_MS;
    if (market.uniform('spike', startAt) >= SPIKE_CHANCE) continue;
    // Exponentially distributed: mostly a few hundred dollars, rarely more.
    const size = -Math.log(1 - market.uniform('spike size', startAt)) * 25 * profile.volatility;
    height += Math.min(size, SPIKE_MAX) * SPIKE_DECAY ** age;
  }
  return height;
}

function congestionOf(node: Noise, atMs: number, profile: Profile): number {
  return profile.volatility * (0.4 * node.constant('congestion') + 0.3 * node.smooth('congestion', atMs, 3 * HOUR_MS));
}

/** Between -4 % and +4 % of the energy price, by where the node lies. */
function lossFactorOf(node: Noise): number {
  return 0.04 * node.constant('loss');
}

function lmpFrom(energy: number, congestion: number, lossFactor: number): SimulatedLmp {
  const energyCents = centsFrom(energy);
  const congestionCents = centsFrom(congestion);
  const lossCents = centsFrom(energy * lossFactor);
  return {
    lmp: (energyCents + congestionCents + lossCents) / 100,
    energy: energyCents / 100,
    congestion: congestionCents / 100,
    loss: lossCents / 100,
  };
}

/** Whole cents; `+ 0` keeps a small negative amount from becoming -0. */
function centsFrom(dollars: number): number {
  return Math.round(dollars * 100) + 0;
}

/** The local clock hour with its fraction. The zone is asked once an hour: no market is off UTC by a broken hour. */
function createLocalHour(timeZone: string): (atMs: number) => number {
  const format = new Intl.DateTimeFormat('en', { timeZone, hour: 'numeric', hourCycle: 'h23' });
  let askedFor = Number.NaN;
  let hour = 0;
  return (atMs) => {
    const utcHour = Math.floor(atMs / HOUR_MS);
    if (utcHour !== askedFor) {
      hour = Number(format.format(utcHour * HOUR_MS));
      askedFor = utcHour;
    }
    return hour + (atMs - utcHour * HOUR_MS) / HOUR_MS;
  };
}
