import { type Profiler, Session } from 'node:inspector/promises';

/** Shares of the main thread's time, of 1. */
export type TimeShares = Readonly<Record<string, number>>;

const SAMPLE_US = 500;

/** Where each file's time belongs; the first that matches. What has no place of its own (Node's streams) is its caller's. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/node_modules\/kafkajs\//, 'kafkajs'],
  [/ingestors\/sources\//, 'log'],
  [/node_modules\/pg[-/]|ingestors\/pipeline\/store\/|prisma\//, 'store'],
  [/pipeline\/announcer|runtime\/live-bus\//, 'announce'],
  [/ingestors\/feeds\/|pipeline\/(decode|validate)|domain\/|schema\/events|node_modules\/zod/, 'decode'],
  [/ingestors\//, 'pipeline'],
];

/** Runs the work once under V8's sampling profiler. */
export async function timeSharesOf(work: () => Promise<unknown>): Promise<TimeShares> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: SAMPLE_US });
  await session.post('Profiler.start');
  await work();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  return sharesOf(profile);
}

function sharesOf({ nodes, samples = [], timeDeltas = [] }: Profiler.Profile): TimeShares {
  const places = placesOf(nodes);
  const us = new Map<string, number>();
  for (const [at, id] of samples.entries()) {
    const place = places.get(id) ?? 'node';
    us.set(place, (us.get(place) ?? 0) + (timeDeltas[at] ?? 0));
  }
  const all = [...us.values()].reduce((sum, each) => sum + each, 0);
  const byShare = [...us].sort(([, one], [, other]) => other - one);
  return Object.fromEntries(byShare.map(([place, spent]) => [place, Math.round((spent / all) * 1_000) / 1_000]));
}

/** By the id of each node of the tree, callers first. */
function placesOf(nodes: readonly Profiler.ProfileNode[]): ReadonlyMap<number, string> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const places = new Map<number, string>();
  const visit = (node: Profiler.ProfileNode, callers: string) => {
    const place = placeOf(node) ?? callers;
    places.set(node.id, place);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child) visit(child, place);
    }
  };
  const [root] = nodes;
  if (root) visit(root, 'node');
  return places;
}

function placeOf({ callFrame: { functionName, url } }: Profiler.ProfileNode): string | undefined {
  if (functionName === '(idle)') return 'idle';
  if (functionName === '(program)') return 'outside JavaScript';
  if (functionName === '(garbage collector)') return 'garbage collector';
  return PLACES.find(([pattern]) => pattern.test(url))?.[1];
}
