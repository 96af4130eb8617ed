import { BusbarError } from '../../../domain/errors.ts';
import type { LmpFact } from '../../../domain/lmp.ts';
import type { Decoded, Payload, Reject } from '../../feed.ts';
import { createToldPlaces } from '../../sources/told-places.ts';
import { answerIn } from './answer.ts';
import { rowFrom } from './lmp-row.ts';

/**
 * Decodes what Template answers to a request, or a file of it. A row that cannot be read is a reject; its raw bytes are an
 * answer with that row alone, which can be decoded by itself.
 * @throws BusbarError `NO_DATA` for an answer without prices; `MALFORMED` for what is no answer.
 */
export function decodeTemplateLmp({ bytes }: Payload): Decoded<LmpFact> {
  const { report, prices } = answerIn(bytes);
  if (prices.length === 0) throw new BusbarError('NO_DATA', `Template has no ${report} prices there`);
  const facts: LmpFact[] = [];
  const rejects: Reject[] = [];
  const places = createToldPlaces();
  for (const row of prices) {
    const read = rowFrom(row, report);
    if ('reason' in read) {
      rejects.push({ ...read, raw: Buffer.from(JSON.stringify({ report, prices: [row] })) });
      continue;
    }
    facts.push(read.fact);
    if (places.isNew(read.fact.node)) places.tell(read.fact.node, read.said);
  }
  facts.sort((a, b) => a.startAt - b.startAt);
  return { facts, rejects, ...places.since(facts[0]?.startAt) };
}
