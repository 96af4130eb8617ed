import { openBenchStore } from '../../bench/bench-store.ts';
import { openOracle } from '../support/rights/oracle.ts';
import { PEOPLE, type Person } from '../support/rights/people.ts';

const QUERIES = 10_000;
const SEED = 71;
const PROGRESS_EVERY = 250;
/** Each role over a part of what there is, and a trader of another part. */
const EACH: readonly Person[] = ['someViewer', 'someAnalyst', 'someTrader', 'someOperator', 'someAdmin', 'otherTrader'];

/** Ten thousand random queries of each role over a part of a store, compared with a store that holds that part alone. */
export async function runRights() {
  const startedAt = performance.now();
  const store = await openBenchStore();
  let opened = 0;
  try {
    const oracle = await openOracle(async () => {
      const { pool, url } = await store.fresh(`rights_${opened++}`);
      return { pool, url, drop: async () => {} };
    });
    const secondsSoFar = () => Math.round((performance.now() - startedAt) / 1_000);
    const verdict = await oracle.run({
      queries: QUERIES,
      seed: SEED,
      people: EACH,
      asked: (asked, { wrong }) => {
        if (asked % PROGRESS_EVERY === 0)
          console.error(`${secondsSoFar()} s  ${asked} of ${QUERIES} queries; ${wrong.length} wrong answers`);
      },
    });
    await oracle.close();
    const seconds = secondsSoFar();
    const people = EACH.map((person) => ({ person, ...PEOPLE[person] }));
    return { queries: QUERIES, seed: SEED, people, seconds, ...verdict, sound: verdict.wrong.length === 0 };
  } finally {
    await store.close();
  }
}
