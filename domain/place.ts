/**
 * What is known of a pricing node beside its prices, and since when.
 *
 * - A **sighting** is what a source says of a node at an instant, as a row of a price report does.
 * - A **statement** says exactly since when something holds, or until when.
 * - A **version** is what held in `[validFrom, validTo)`. The versions of a node, oldest first, are its **history**: they
 *   never overlap. A hole is a time in which the node was retired; a node is retired where its last version has ended.
 *
 * A sighted version was seen from `validFrom` to `seenUntil`. What lies between that and the next version was not looked at:
 * there a sighting may yet find something. A stated version is not changed by sightings, and what it says has ended stays
 * ended, until a statement says otherwise.
 */
import { DAY_MS } from './instant.ts';
import type { NodeName } from './market.ts';

/** What operators call the places they price, in words that are the same for all of them. */
export const PLACE_KINDS = [
  'HUB',
  'ZONE',
  'GENERATOR',
  'LOAD',
  /** Generation, storage or load, where the operator does not say which. */
  'RESOURCE',
  'INTERFACE',
  'AGGREGATE',
  /** A single point of the network. */
  'NODE',
  'RESERVE_ZONE',
  'SYSTEM',
] as const;

export type PlaceKind = (typeof PLACE_KINDS)[number];

export interface PlaceFacts {
  /** One of `PLACE_KINDS`, or null. */
  readonly kind: string | null;
  /** The operator's zone the node lies in. */
  readonly zone: string | null;
  /** The name for people. */
  readonly title: string | null;
  /** Other names of the node, as the operator's number of it: each once, in the order of their code units. */
  readonly aliases: readonly string[];
}

/** What a source says of a node. What it does not mention is absent, and stays as it is. */
export interface Place extends Partial<PlaceFacts> {
  readonly node: NodeName;
  /** When it is so, milliseconds UTC; absent: when the source says it. */
  readonly at?: number;
  /** A statement, where it is there. */
  readonly valid?: Validity;
}

/** Milliseconds UTC. */
export interface Validity {
  /** Undefined: since when that holds which is there, of which only the end is stated. */
  readonly from: number | undefined;
  /** Exclusive; null: until the next statement begins. */
  readonly to: number | null;
}

export interface PlaceVersion extends PlaceFacts {
  /** Milliseconds UTC, as all of these. */
  readonly validFrom: number;
  /** Exclusive; null: it still holds. */
  readonly validTo: number | null;
  /** The newest sighting that said the same, or at most a day before it. */
  readonly seenUntil: number;
  /** When a statement was published; null where it was only seen. */
  readonly statedAt: number | null;
}

export type PlaceHistory = readonly PlaceVersion[];

/** A node that is only said to have ended had been there for as long as anybody knows. */
export const SINCE_EVER = Date.UTC(1998, 0, 1);

/** A poll every five minutes must not write every node every five minutes. */
const SEEN_STEP_MS = DAY_MS;

/**
 * The history once a place was told of; the same object where nothing follows from it.
 *
 * Sightings may come in any order, with the same result, as long as a node never goes back to what it was before, no two of one
 * instant differ, and all of them mention the same. One that contradicts a version within the time in which it was seen
 * changes nothing: of a node that was A, B, A and was seen as B last, B is lost. Statements may come in any order, among
 * themselves (of two that begin at one instant the one published later counts) and among sightings, where each says all
 * there is to say and when it begins.
 * @param publishedAt when the source said it, milliseconds UTC.
 */
export function historyWith(history: PlaceHistory, place: Place, publishedAt: number): PlaceHistory {
  const { at = publishedAt, valid, node: _, ...said } = place;
  return valid ? withStatement(history, said, valid, publishedAt) : withSighting(history, said, at);
}

/** Whether a sighting can be told to change nothing by one version alone, without the others. */
export function isSeenIn(version: PlaceVersion, place: Place, at: number): boolean {
  if (place.valid || at < version.validFrom || (version.validTo !== null && at >= version.validTo)) return false;
  return version.statedAt !== null || (at < version.seenUntil + SEEN_STEP_MS && agrees(version, place));
}

function withSighting(history: PlaceHistory, said: Partial<PlaceFacts>, at: number): PlaceHistory {
  const place = history.findLastIndex(({ validFrom }) => validFrom <= at);
  const before = history[place];
  const after = history[place + 1];
  if (before && (before.statedAt !== null || at <= before.seenUntil)) return history;
  if (before && holdsAt(before, at) && agrees(before, said)) {
    const isMoved = at >= before.seenUntil + SEEN_STEP_MS;
    return isMoved ? history.with(place, { ...before, seenUntil: at }) : history;
  }
  const earlier = history.slice(0, place + 1).map((version) => endedAt(version, at));
  if (after && after.statedAt === null && agrees(after, said)) {
    return [...earlier, { ...after, validFrom: at }, ...history.slice(place + 2)];
  }
  const span = { validFrom: at, validTo: after?.validFrom ?? null, seenUntil: at, statedAt: null };
  return [...earlier, { ...factsOf(before, said), ...span }, ...history.slice(place + 1)];
}

function withStatement(
  history: PlaceHistory,
  said: Partial<PlaceFacts>,
  { from: begin, to }: Validity,
  statedAt: number,
): PlaceHistory {
  const from = begin ?? history.findLast(({ validFrom }) => to === null || validFrom < to)?.validFrom ?? SINCE_EVER;
  const base = history.findLast(({ validFrom }) => validFrom <= from);
  if (base?.validFrom === from && base.statedAt !== null && base.statedAt > statedAt) return history;
  const earlier = history.filter(({ validFrom }) => validFrom < from).map((version) => endedAt(version, from));
  const later = history.filter((version) => version.statedAt !== null && version.validFrom > from);
  const end = Math.min(to ?? Number.POSITIVE_INFINITY, later[0]?.validFrom ?? Number.POSITIVE_INFINITY);
  const span = { validFrom: from, validTo: Number.isFinite(end) ? end : null, seenUntil: from, statedAt };
  const stated = { ...factsOf(base, said), ...span };
  if (base && isSameVersion(base, stated) && earlier.length + 1 + later.length === history.length) return history;
  return [...earlier, stated, ...later];
}

/** What holds after something was said, of what was there before. */
function factsOf(before: PlaceFacts | undefined, said: Partial<PlaceFacts>): PlaceFacts {
  const { kind, zone, title, aliases } = { ...(before ?? NOTHING_KNOWN), ...said };
  return { kind, zone, title, aliases };
}

const NOTHING_KNOWN: PlaceFacts = { kind: null, zone: null, title: null, aliases: [] };

function endedAt(version: PlaceVersion, at: number): PlaceVersion {
  if (!holdsAt(version, at)) return version;
  return { ...version, validTo: at, seenUntil: Math.min(version.seenUntil, at) };
}

function holdsAt({ validTo }: PlaceVersion, at: number): boolean {
  return validTo === null || validTo > at;
}

/** Whether all that is said is so. */
export function agrees(version: PlaceFacts, { kind, zone, title, aliases }: Partial<PlaceFacts>): boolean {
  return (
    (kind === undefined || kind === version.kind) &&
    (zone === undefined || zone === version.zone) &&
    (title === undefined || title === version.title) &&
    (aliases === undefined || areSame(aliases, version.aliases))
  );
}

/** Whether two versions say the same of the same time. */
export function isSameVersion(one: PlaceVersion, other: PlaceVersion): boolean {
  return (
    one.validFrom === other.validFrom &&
    one.validTo === other.validTo &&
    one.seenUntil === other.seenUntil &&
    one.statedAt === other.statedAt &&
    agrees(one, other)
  );
}

function areSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((alias, i) => alias === other[i]);
}
