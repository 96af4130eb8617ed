import { type CommandParser, defineScript } from 'redis';

/**
 * Begins a new incarnation of a stream that has lost entries, as if it had been wiped: every cursor that was given out
 * expires. Only where it is still the incarnation in which the loss was found, so that many who find it begin anew once.
 */
const SCRIPT = `
local entries, meta = KEYS[1], KEYS[2]
local found, new_incarnation = ARGV[1], ARGV[2]

local last = redis.call('HGET', meta, 'last')
local incarnation = last and string.match(last, '^%x+') or ''
if incarnation ~= found then return incarnation end

redis.call('UNLINK', entries, meta)
redis.call('HSET', meta, 'last', new_incarnation .. '-0-0')
return new_incarnation
`;

export interface BeginAnewArguments {
  readonly entriesKey: string;
  readonly metaKey: string;
  /** The incarnation in which the loss was found. */
  readonly found: string;
  readonly newIncarnation: string;
}

export const beginAnewScript = defineScript({
  SCRIPT,
  NUMBER_OF_KEYS: 2,
  parseCommand(parser: CommandParser, given: BeginAnewArguments) {
    parser.pushKeys([given.entriesKey, given.metaKey]);
    parser.push(given.found, given.newIncarnation);
  },
  /** @returns the incarnation as it is now; empty where the stream was wiped meanwhile. */
  transformReply: (incarnation: string): string => incarnation,
});
