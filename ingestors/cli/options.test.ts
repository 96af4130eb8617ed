import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { feedNamed } from './feed-names.ts';
import { fromDaysAgoOption, idFrom, idsFrom, nodeOption, offsetsFrom, partitionOption, toOption } from './options.ts';

const NOW = Date.parse('2025-07-10T12:00:00Z');
const iso = (instant: number) => new Date(instant).toISOString();

function parsed(...arguments_: readonly string[]) {
  const command = new Command()
    .addOption(fromDaysAgoOption(NOW, 7))
    .addOption(toOption(NOW))
    .addOption(partitionOption())
    .addOption(nodeOption());
  return command.parse(arguments_, { from: 'user' }).opts();
}

describe('a range', () => {
  it.each([
    [['--from', '-2d', '--to', '-1h']],
    [['--from=-2d', '--to=-1h']],
    [['--to', '-1h', '--from', '2025-07-08T12:00Z']],
  ])('may begin with a dash, whatever stands before it: %j', (arguments_) => {
    const { from, to } = parsed(...arguments_);
    expect([iso(from), iso(to)]).toEqual(['2025-07-08T12:00:00.000Z', '2025-07-10T11:00:00.000Z']);
  });

  it('is the last week where nothing is said', () => {
    const { from, to } = parsed();
    expect([iso(from), iso(to)]).toEqual(['2025-07-03T12:00:00.000Z', '2025-07-10T12:00:00.000Z']);
  });

  it('is not taken from the next option', () => {
    expect(() => parsed('--from', '--to', 'now')).toThrow('"--to" is not an instant');
  });
});

describe('partitions and nodes', () => {
  it('are several, after one another or each with its option', () => {
    expect(parsed('--partition', 'A', 'B', '--node', 'PJM:X', '--node', 'PJM:Y', 'PJM:Z')).toMatchObject({
      partition: ['A', 'B'],
      node: ['PJM:X', 'PJM:Y', 'PJM:Z'],
    });
  });

  it('must be nodes of a market there is', () => {
    expect(() => parsed('--node', 'NP15')).toThrow('"NP15" is not a node: say MARKET:NAME');
    expect(() => parsed('--node', 'XYZ:NP15')).toThrow('"XYZ:NP15" is not a node');
  });
});

describe('offsets', () => {
  it('are a partition and a range', () =>
    expect(offsetsFrom('0:1200-1300')).toEqual({ partition: 0, fromOffset: 1200, toOffset: 1300 }));

  it.each(['', '0', '1200-1300', '0:1200', '0:-1-5', '0:1-x', '0:1-2-3', '0:1-9999999999999999'])(
    'are refused where they are something else: "%s"',
    (text) => expect(() => offsetsFrom(text)).toThrow(`"${text}" is not <partition>:<from>-<to>`),
  );
});

describe('an id', () => {
  it('is a whole number from 1', () => expect(idFrom('12')).toBe(12));
  it('may be one of several', () => expect(idsFrom('13', [12])).toEqual([12, 13]));
  it.each(['', '0', '-1', '1.5', '1e3', 'x', '9'.repeat(20)])('is nothing else: "%s"', (text) =>
    expect(() => idFrom(text)).toThrow(`"${text}" is not an id`),
  );
});

describe('a feed', () => {
  it('is named by its id, which stands for all of its partitions', () => {
    expect(feedNamed('caiso-lmp')).toMatchObject({ feed: { id: 'caiso-lmp' }, partitions: undefined });
  });

  it('is named by a stream, which stands for some of them', () => {
    expect(feedNamed('iso.da.lmp.caiso')).toMatchObject({ feed: { id: 'caiso-lmp' }, partitions: ['PRC_LMP'] });
  });

  it('is refused with the names there are where nobody knows it', () => {
    expect(() => feedNamed('toString')).toThrow(/there is no feed "toString"; there are prices, .*iso\.rt\.lmp\.caiso/);
  });
});
