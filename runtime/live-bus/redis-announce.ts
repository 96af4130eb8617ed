import { type CommandParser, defineScript } from 'redis';

/**
 * Takes one announcement, all or none.
 *
 * Each entry carries the cursor of the entry before it (`after`). A reader that finds another cursor there than the one
 * it came from has lost something: the window moved on, Redis was wiped, evicted the key, or came back without the entry
 * of the cursor. What Redis lost **behind** a reader's cursor leaves no trace there: that is noticed by who announced it.
 * An announcer says in which incarnation it knows itself, and which sequence of the source it knows to be here. Where it is
 * another incarnation, or holds less, nothing is taken; what then is, the announcer knows (`KnownStream`).
 *
 * `last` is the cursor of the newest entry; it outlives the entries, and its first part is the incarnation.
 * Trimming comes with announcements and is approximate (`~`): Redis drops whole blocks only, so a little more than the
 * window may be kept, never less.
 */
const SCRIPT = `
local entries, meta = KEYS[1], KEYS[2]
local source, sequence, new_incarnation, entries_max, age_ms_max = 'source:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local field, known_incarnation, known_sequence = ARGV[6], ARGV[7], ARGV[8]

local announced = tonumber(redis.call('HGET', meta, source) or '-1')
local last = redis.call('HGET', meta, 'last')
local incarnation = last and string.match(last, '^%x+') or ''
if known_incarnation ~= '' and (incarnation ~= known_incarnation or announced < tonumber(known_sequence)) then
  return {'UNKNOWN', incarnation}
end
if announced >= tonumber(sequence) then return {'REFUSED', incarnation} end

if not last then
  incarnation = new_incarnation
  last = incarnation .. '-0-0'
end
for each = 9, #ARGV do
  last = incarnation .. '-' .. redis.call('XADD', entries, '*', 'after', last, field, ARGV[each])
end
redis.call('HSET', meta, 'last', last, source, sequence)

local now = redis.call('TIME')
local kept_since = now[1] * 1000 + math.floor(now[2] / 1000) - age_ms_max
redis.call('XTRIM', entries, 'MAXLEN', '~', entries_max)
redis.call('XTRIM', entries, 'MINID', '~', string.format('%.0f', math.max(kept_since, 0)))
return {'TAKEN', incarnation}
`;

export interface AnnounceArguments {
  readonly entriesKey: string;
  readonly metaKey: string;
  readonly source: string;
  readonly sequence: number;
  /** Used where the stream has none yet. */
  readonly newIncarnation: string;
  readonly entriesMax: number;
  readonly ageMsMax: number;
  /** The field of an entry that holds its events. */
  readonly field: string;
  /** Undefined: the announcer knows of none, and takes what it finds. */
  readonly knownIncarnation: string | undefined;
  /** What the stream holds of the source, at least; -1 where that is unknown. */
  readonly knownSequence: number;
  /** The encoded events of one entry each. */
  readonly entries: readonly string[];
}

export interface AnnounceReply {
  /** REFUSED: the source had announced this sequence, or a later one, before. UNKNOWN: it is not the stream that was known. */
  readonly outcome: 'TAKEN' | 'REFUSED' | 'UNKNOWN';
  /** Of the stream as it is now; empty where it is wiped. */
  readonly incarnation: string;
}

export const announceScript = defineScript({
  SCRIPT,
  NUMBER_OF_KEYS: 2,
  parseCommand(parser: CommandParser, given: AnnounceArguments) {
    parser.pushKeys([given.entriesKey, given.metaKey]);
    parser.push(given.source, String(given.sequence), given.newIncarnation);
    parser.push(String(given.entriesMax), String(given.ageMsMax), given.field);
    parser.push(given.knownIncarnation ?? '', String(given.knownSequence), ...given.entries);
  },
  transformReply: ([outcome, incarnation]: [AnnounceReply['outcome'], string]): AnnounceReply => ({
    outcome,
    incarnation,
  }),
});
