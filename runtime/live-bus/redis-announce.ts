import { type CommandParser, defineScript } from 'redis';

/**
 * Takes one announcement, all or none.
 *
 * Each entry carries the cursor of the entry before it (`after`). A reader that finds another cursor there than the one
 * it came from has lost something, whatever the cause: the window moved on, Redis was wiped, evicted the key, or came
 * back from a replica that lagged. No other record of what was trimmed is needed, and none can be out of date.
 *
 * `last` is the cursor of the newest entry; it outlives the entries, and its first part is the incarnation.
 * Trimming comes with announcements and is approximate (`~`): Redis drops whole blocks only, so a little more than the
 * window may be kept, never less.
 */
const SCRIPT = `
local entries, meta = KEYS[1], KEYS[2]
local source, sequence, new_incarnation, entries_max, age_ms_max = 'source:' .. ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local field = ARGV[6]

local announced = redis.call('HGET', meta, source)
if announced and tonumber(announced) >= tonumber(sequence) then return 0 end

local last = redis.call('HGET', meta, 'last') or (new_incarnation .. '-0-0')
local incarnation = string.match(last, '^%x+')
for each = 7, #ARGV do
  last = incarnation .. '-' .. redis.call('XADD', entries, '*', 'after', last, field, ARGV[each])
end
redis.call('HSET', meta, 'last', last, source, sequence)

local now = redis.call('TIME')
local kept_since = now[1] * 1000 + math.floor(now[2] / 1000) - age_ms_max
redis.call('XTRIM', entries, 'MAXLEN', '~', entries_max)
redis.call('XTRIM', entries, 'MINID', '~', string.format('%.0f', math.max(kept_since, 0)))
return 1
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
  /** The encoded events of one entry each. */
  readonly entries: readonly string[];
}

export const announceScript = defineScript({
  SCRIPT,
  NUMBER_OF_KEYS: 2,
  parseCommand(parser: CommandParser, given: AnnounceArguments) {
    parser.pushKeys([given.entriesKey, given.metaKey]);
    parser.push(given.source, String(given.sequence), given.newIncarnation);
    parser.push(String(given.entriesMax), String(given.ageMsMax), given.field, ...given.entries);
  },
  /** @returns false where the source had announced this sequence, or a later one, before. */
  transformReply: (reply: number): boolean => reply === 1,
});
