import type { Logger } from 'pino';
import { type BusbarError, type ErrorCode, isBusbarError, messageOf } from '../../domain/errors.ts';
import type { Decoded, Decoder, Facts, FamilyName, FeedOf, Reject } from '../feed.ts';
import type { FamilyOf, JudgedFacts } from './families/family.ts';
import type { DeadLetter } from './store/dead-letters.ts';
import { type DatedPlace, datedPlace } from './store/write-places.ts';
import type { Item } from './unit.ts';
import { isImpossible } from './validate.ts';

/** What a unit says, before the store is asked about any of it. */
export interface Read<Judged> {
  readonly facts: readonly JudgedFact<Judged>[];
  readonly rejects: readonly DeadLetter[];
  /** What payloads tell of nodes beside their facts. */
  readonly places: readonly DatedPlace[];
  /** The source's own words that it has nothing, where no item had anything. */
  readonly noData: string | undefined;
  /** Why the last of the payloads that could not be read as a whole could not be. */
  readonly unreadable: string | undefined;
}

export interface JudgedFact<Judged> {
  readonly fact: Judged;
  readonly item: Item;
}

/** A record larger than this is a mistake of its producer: no record of a price or a trade comes near. Its bytes are kept all the same. */
const RECORD_BYTES_MAX = 1024 * 1024;

/**
 * Decodes and validates every item of a unit.
 * @param now the wall clock, milliseconds UTC.
 * @param isAnswer whether a source has just answered them: then one that is a source's error can be asked for again. Of stored
 *   bytes it would be the same for ever, and each is a dead letter that leaves the others alone.
 * @throws BusbarError what the decoder says of an answer that is a source's error (`THROTTLED`, `SOURCE_FAILED`, `SOURCE_REFUSED`).
 */
export async function readItems<Name extends FamilyName>(
  feed: FeedOf<Name>,
  family: FamilyOf<Name>,
  items: readonly Item[],
  now: number,
  log: Logger,
  isAnswer = false,
): Promise<Read<JudgedFacts[Name]>> {
  const facts: JudgedFact<JudgedFacts[Name]>[] = [];
  const rejects: DeadLetter[] = [];
  const places: DatedPlace[] = [];
  let noData: string | undefined;
  let unreadable: string | undefined;
  for (const item of items) {
    const answer = decodeItem(feed, family, item, log, isAnswer);
    // Most decoders answer at once; awaiting each record would cost as much as decoding it.
    const decoded = answer instanceof Promise ? await answer : answer;
    if ('noData' in decoded) {
      noData = decoded.noData;
      continue;
    }
    if (decoded.unreadable !== undefined) unreadable = decoded.unreadable;
    for (const reject of decoded.rejects) rejects.push(payloadLetter(item, reject));
    for (const fact of decoded.facts) {
      const judged = family.judge(fact, item, now);
      if (isImpossible(judged)) rejects.push(factLetter(feed, family, fact, item, judged));
      else facts.push({ fact: judged, item });
    }
    for (const place of decoded.places ?? []) places.push(datedPlace(place, item.publishedAt, now));
  }
  const nothing = facts.length + rejects.length + places.length === 0;
  return { facts, rejects, places, noData: nothing ? noData : undefined, unreadable };
}

/** The dead letter of one fact: the record it came in, or of a fetched payload, which is kept elsewhere, the fact as it was read. */
export function factLetter<Name extends FamilyName>(
  feed: FeedOf<Name>,
  family: Pick<FamilyOf<Name>, 'textOf'>,
  fact: Facts[Name],
  item: Item,
  why: Pick<Reject, 'code' | 'reason'>,
): DeadLetter {
  if (isOfOneRecord(feed)) return payloadLetter(item, { ...why, raw: item.payload.bytes });
  return { ...payloadLetter(item, { ...why, raw: Buffer.from(family.textOf(fact)) }), form: 'FACT' };
}

function payloadLetter(item: Item, { code, reason, raw }: Reject): DeadLetter {
  return {
    form: item.form ?? 'PAYLOAD',
    name: item.payload.name,
    publishedAt: item.publishedAt,
    publishedSeq: item.publishedSeq,
    position: item.position,
    origin: item.origin,
    again: item.deadLetter,
    code,
    reason,
    raw,
  };
}

function isOfOneRecord({ source }: Pick<FeedOf<FamilyName>, 'source'>): boolean {
  return source.kind === 'topic' && !source.several;
}

type Answer<Fact> = (Decoded<Fact> & { readonly unreadable?: string }) | { readonly noData: string };

function decodeItem<Name extends FamilyName>(
  feed: FeedOf<Name>,
  family: FamilyOf<Name>,
  { payload, form }: Item,
  log: Logger,
  isAnswer: boolean,
): Answer<Facts[Name]> | Promise<Answer<Facts[Name]>> {
  const { bytes } = payload;
  if (isOfOneRecord(feed) && bytes.length > RECORD_BYTES_MAX) {
    const reason = `the record has ${bytes.length} bytes, more than ${RECORD_BYTES_MAX}`;
    return { facts: [], rejects: [{ code: 'TOO_LARGE', reason, raw: bytes }] };
  }
  const decode: Decoder<Facts[Name]> = form === 'FACT' ? factDecoder(family) : feed.decode;
  const failed = (error: unknown): Answer<Facts[Name]> => {
    if (isBusbarError(error, 'NO_DATA')) return { noData: error.message };
    if (isBusbarError(error) && !isOfBytes(error, isAnswer)) throw error;
    // A decoder that fails on one payload must not stop the feed for the rest of them.
    if (!isBusbarError(error)) log.error({ payload: payload.name, err: error }, 'decoder failed');
    const reason = messageOf(error);
    return { facts: [], rejects: [{ code: 'NOT_THE_FORMAT', reason, raw: bytes }], unreadable: reason };
  };
  try {
    const decoded = decode(payload);
    return decoded instanceof Promise ? decoded.catch(failed) : decoded;
  } catch (error) {
    return failed(error);
  }
}

const SOURCE_ERRORS: readonly ErrorCode[] = ['THROTTLED', 'SOURCE_FAILED', 'SOURCE_REFUSED'];

/** Whether the bytes themselves are at fault. */
function isOfBytes({ code }: BusbarError, isAnswer: boolean): boolean {
  return code === 'MALFORMED' || (!isAnswer && SOURCE_ERRORS.includes(code));
}

/** Reads back what `factLetter` wrote. */
function factDecoder<Name extends FamilyName>({ factFrom }: FamilyOf<Name>): Decoder<Facts[Name]> {
  return ({ bytes }) => ({ facts: [factFrom(bytes.toString('utf8'))], rejects: [] });
}
