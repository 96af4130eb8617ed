import { MINUTE_MS } from '../../../domain/instant.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import { type NodeName, nodeNameFrom } from '../../../domain/market.ts';
import type { Decoded, Reject } from '../../feed.ts';
import { instantFromEst } from './eastern-standard.ts';
import { type FiveMinuteRow, readFiveMinuteTable } from './five-minute-table.ts';
import { type Problem, pricesFrom } from './prices.ts';

/**
 * Decodes the five-minute display: INTERVAL is the beginning, in Eastern Standard Time.
 * @returns facts in MISO's order. A reject's raw bytes are the headers and the row, which can be decoded by themselves.
 * @throws BusbarError `MALFORMED` where it is no whole display; `NO_DATA` is said by the caller where there is no row at all.
 */
export async function decodeFiveMinute(bytes: Buffer): Promise<Decoded<LmpFact>> {
  const facts = createFacts();
  const bad: { problem: Problem; from: number; to: number }[] = [];
  const startOf = remembered(instantFromEst);
  const nodeOf = remembered((name: string) => nodeNameFrom('MISO', name));
  const { headers } = await readFiveMinuteTable(bytes, (row, from, to) => {
    const outcome = row ? factFrom(row, startOf(row.interval), nodeOf(row.node)) : NOT_A_ROW;
    const problem = 'reason' in outcome ? outcome : facts.add(outcome);
    if (problem) bad.push({ problem, from, to });
  });
  const rejects = bad.map(({ problem, from, to }): Reject => {
    return { ...problem, raw: Buffer.from(`{"headers":${headers},"data":[${bytes.toString('utf8', from, to)}]}`) };
  });
  return { facts: facts.all(), rejects };
}

const NOT_A_ROW: Problem = { code: 'NOT_THE_FORMAT', reason: 'the row has not a text for each header' };

function factFrom(row: FiveMinuteRow, startAt: number | undefined, node: NodeName | undefined): LmpFact | Problem {
  if (!node) return { code: 'MISSING_FIELD', reason: `CPNODE is "${row.node.slice(0, 300)}", expected a node's name` };
  if (startAt === undefined)
    return { code: 'BAD_TIME', reason: `INTERVAL is "${row.interval}", expected a time without a zone` };
  const prices = pricesFrom(row);
  if ('reason' in prices) return { code: prices.code, reason: `${row.node} at ${row.interval}: ${prices.reason}` };
  return { node, run: 'REAL_TIME_5_MIN', startAt, endAt: startAt + 5 * MINUTE_MS, ...prices };
}

/** Facts, each once: of two rows that differ nobody can say which is right, and neither is kept. */
function createFacts() {
  const facts: (LmpFact | undefined)[] = [];
  const places = new Map<number, Map<NodeName, number>>();
  return {
    all: () => facts.filter((fact) => fact !== undefined),
    add: (fact: LmpFact): Problem | undefined => {
      const ofInterval = places.get(fact.startAt) ?? new Map<NodeName, number>();
      places.set(fact.startAt, ofInterval);
      const place = ofInterval.get(fact.node);
      if (place === undefined) {
        ofInterval.set(fact.node, facts.push(fact) - 1);
        return undefined;
      }
      const earlier = facts[place];
      if (earlier && saysTheSame(earlier, fact)) return undefined;
      facts[place] = undefined;
      const before = earlier ? `LMP ${earlier.lmp}, MLC ${earlier.loss}, MCC ${earlier.congestion}` : 'others';
      return { code: 'BAD_VALUE', reason: `a second row of ${fact.node} for the interval differs from ${before}` };
    },
  };
}

function saysTheSame(a: LmpFact, b: LmpFact): boolean {
  return a.lmp === b.lmp && a.loss === b.loss && a.congestion === b.congestion;
}

/** A display has few intervals and nodes and names each of them very often. */
function remembered<Value>(from: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, { readonly value: Value }>();
  return (text) => {
    let found = known.get(text);
    if (!found) {
      found = { value: from(text) };
      known.set(text, found);
    }
    return found.value;
  };
}
