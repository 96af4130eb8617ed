import type { Logger } from 'pino';
import { z } from 'zod';
import { isBusbarError, messageOf } from '../../domain/errors.ts';
import type { LmpFact, VersionedLmp } from '../../domain/lmp.ts';
import { type NodeName, parseNodeName } from '../../domain/market.ts';
import { MARKET_RUNS } from '../../domain/market-run.ts';
import type { Decoded, Decoder, Feed, Reject } from '../feed.ts';
import type { DeadLetter } from './store/dead-letters.ts';
import type { Item } from './unit.ts';
import { isImpossible, validate } from './validate.ts';

/** What a unit says, before the store is asked about any of it. */
export interface Read {
  readonly facts: readonly JudgedFact[];
  readonly rejects: readonly DeadLetter[];
  /** The source's own words that it has nothing. */
  readonly noData: string | undefined;
}

export interface JudgedFact {
  readonly fact: VersionedLmp;
  readonly item: Item;
}

/** A record larger than this is a mistake of its producer: no price record comes near. Its bytes are kept all the same. */
const RECORD_BYTES_MAX = 1024 * 1024;

/**
 * Decodes and validates every item of a unit.
 * @param now the wall clock, milliseconds UTC.
 * @throws BusbarError what the decoder says of a payload that is a source's error (`THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED`).
 */
export async function readItems(feed: Feed, items: readonly Item[], now: number, log: Logger): Promise<Read> {
  const facts: JudgedFact[] = [];
  const rejects: DeadLetter[] = [];
  let noData: string | undefined;
  for (const item of items) {
    const answer = decodeItem(feed, item, log);
    // Most decoders answer at once; awaiting each record would cost as much as decoding it.
    const decoded = answer instanceof Promise ? await answer : answer;
    if ('noData' in decoded) {
      noData = decoded.noData;
      continue;
    }
    for (const reject of decoded.rejects) rejects.push(payloadLetter(item, reject));
    for (const fact of decoded.facts) {
      const judged = validate(fact, item, now);
      if (isImpossible(judged)) rejects.push(factLetter(feed, fact, item, judged));
      else facts.push({ fact: judged, item });
    }
  }
  return { facts, rejects, noData };
}

/** The dead letter of one fact: the record it came in, or of a fetched payload, which is kept elsewhere, the fact as it was read. */
export function factLetter(feed: Feed, fact: LmpFact, item: Item, why: Pick<Reject, 'code' | 'reason'>): DeadLetter {
  if (isOfOneRecord(feed)) return payloadLetter(item, { ...why, raw: item.payload.bytes });
  const { node, run, startAt, endAt, lmp, energy, congestion, loss, ghg, preliminary } = fact;
  const raw = JSON.stringify({ node, run, startAt, endAt, lmp, energy, congestion, loss, ghg, preliminary });
  return { ...payloadLetter(item, { ...why, raw: Buffer.from(raw) }), form: 'FACT' };
}

function payloadLetter(item: Item, { code, reason, raw }: Reject): DeadLetter {
  return {
    form: item.form ?? 'PAYLOAD',
    name: item.payload.name,
    publishedAt: item.publishedAt,
    publishedSeq: item.publishedSeq,
    position: item.position,
    again: item.deadLetter,
    code,
    reason,
    raw,
  };
}

function isOfOneRecord({ source }: Feed): boolean {
  return source.kind === 'topic';
}

type Answer = Decoded | { readonly noData: string };

function decodeItem(feed: Feed, { payload, form }: Item, log: Logger): Answer | Promise<Answer> {
  const { bytes } = payload;
  if (isOfOneRecord(feed) && bytes.length > RECORD_BYTES_MAX) {
    const reason = `the record has ${bytes.length} bytes, more than ${RECORD_BYTES_MAX}`;
    return { facts: [], rejects: [{ code: 'TOO_LARGE', reason, raw: bytes }] };
  }
  const decode: Decoder = form === 'FACT' ? decodeFact : feed.decode;
  const failed = (error: unknown): Answer => {
    if (isBusbarError(error, 'NO_DATA')) return { noData: error.message };
    if (isBusbarError(error) && error.code !== 'MALFORMED') throw error;
    // A decoder that fails on one payload must not stop the feed for the rest of them.
    if (!isBusbarError(error)) log.error({ payload: payload.name, err: error }, 'decoder failed');
    return { facts: [], rejects: [{ code: 'NOT_THE_FORMAT', reason: messageOf(error), raw: bytes }] };
  };
  try {
    const decoded = decode(payload);
    return decoded instanceof Promise ? decoded.catch(failed) : decoded;
  } catch (error) {
    return failed(error);
  }
}

const FACT = z.object({
  node: z.string().transform((text, context): NodeName => {
    const node = parseNodeName(text);
    if (node) return node;
    context.addIssue({ code: 'custom', message: 'must be MARKET:NAME' });
    return z.NEVER;
  }),
  run: z.enum(MARKET_RUNS),
  startAt: z.number(),
  endAt: z.number(),
  lmp: z.number(),
  energy: z.number().nullable(),
  congestion: z.number().nullable(),
  loss: z.number().nullable(),
  ghg: z.number().nullable(),
  preliminary: z.boolean().default(false),
});

/** Reads back what `factLetter` wrote. */
const decodeFact: Decoder = ({ bytes }) => ({ facts: [FACT.parse(JSON.parse(bytes.toString('utf8')))], rejects: [] });
