import { Option } from 'commander';
import { BusbarError } from '../../domain/errors.ts';
import { DAY_MS } from '../../domain/instant.ts';
import { type NodeName, parseNodeName } from '../../domain/market.ts';
import { feedNamed, type NamedFeed } from './feed-names.ts';
import { instantFrom } from './instants.ts';

/** Options that several commands have, each with its own parser: a command's action sees only what is valid. */

export interface JsonOptions {
  readonly json?: boolean | undefined;
}

export const jsonOption = () => new Option('--json', 'print JSON and nothing else on standard output');

export const yesOption = () => new Option('--yes', 'do not ask');

export const detachOption = () => new Option('--detach', 'ask for the job and do not wait for its end');

export const feedOption = () =>
  new Option('--feed <name>', 'the feed, or one of its streams').argParser(
    (text: string): NamedFeed => feedNamed(text),
  );

export const partitionOption = () => new Option('--partition <name...>', 'only these partitions');

export const nodeOption = () =>
  new Option('--node <market:name...>', 'only these pricing nodes').argParser(
    (text: string, before: readonly NodeName[] | undefined): readonly NodeName[] => [...(before ?? []), nodeFrom(text)],
  );

export const fromOption = (now: number) =>
  new Option('--from <instant>', 'start of the range').argParser((text: string) => instantFrom(text, now));

/** Where nothing is said: so many days before now. */
export const fromDaysAgoOption = (now: number, days: number) =>
  fromOption(now).default(now - days * DAY_MS, `-${days}d`);

export const toOption = (now: number) =>
  new Option('--to <instant>', 'end of the range')
    .argParser((text: string) => instantFrom(text, now))
    .default(now, 'now');

export const limitOption = (max: number) =>
  new Option('--limit <count>', 'at most so many').argParser((text: string) => wholeFrom(text, 'a count')).default(max);

/** Minutes back from now. */
export const windowOption = (minutes: number, minutesMax: number) =>
  new Option('--window <minutes>', `minutes back from now, at most ${minutesMax}`)
    .argParser((text: string) => atMost(minutesMax, wholeFrom(text, 'a number of minutes')))
    .default(minutes);

/** @throws BusbarError `BAD_USER_INPUT` */
export function idFrom(text: string): number {
  return wholeFrom(text, 'an id');
}

/** For an argument that may be given several times. @throws BusbarError `BAD_USER_INPUT` */
export function idsFrom(text: string, before: readonly number[] | undefined): readonly number[] {
  return [...(before ?? []), idFrom(text)];
}

/** Offsets of one partition of a topic: `[fromOffset, toOffset)`. */
export interface OffsetRange {
  readonly partition: number;
  readonly fromOffset: number;
  readonly toOffset: number;
}

/** @param text `<partition>:<from>-<to>` @throws BusbarError `BAD_USER_INPUT` */
export function offsetsFrom(text: string): OffsetRange {
  const [, partition, from, to] = text.match(/^(\d{1,9}):(\d{1,15})-(\d{1,15})$/) ?? [];
  if (partition === undefined) {
    throw new BusbarError('BAD_USER_INPUT', `"${text}" is not <partition>:<from>-<to>, as in 0:1200-1300`);
  }
  return { partition: Number(partition), fromOffset: Number(from), toOffset: Number(to) };
}

function nodeFrom(text: string): NodeName {
  const name = parseNodeName(text);
  if (name) return name;
  throw new BusbarError('BAD_USER_INPUT', `"${text}" is not a node: say MARKET:NAME, as in CAISO:TH_NP15_GEN-APND`);
}

function atMost(max: number, value: number): number {
  if (value <= max) return value;
  throw new BusbarError('BAD_USER_INPUT', `${value} is too much: at most ${max}`);
}

function wholeFrom(text: string, what: string): number {
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw new BusbarError('BAD_USER_INPUT', `"${text}" is not ${what}: say a whole number from 1`);
}
