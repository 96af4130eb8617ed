/**
 * What every `EventLog` must do, as tests. Each implementation runs them against the real thing:
 *
 *     eventLogConformance('Kafka', async () => ({ log, expire, stop }));
 *
 * Topics and groups get fresh names in each test, so that one log serves the whole run. Conditions are awaited, never
 * slept for, and the waits are long: a Kafka group may take many seconds to settle.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import type { Consumption, EventLog, LogBatch, LogRecord, OutgoingRecord, PartitionHandler } from './event-log.ts';

const WAIT_MS_MAX = 90_000;
const TEST_MS_MAX = 180_000;
const RECORD_BYTES_MAX = 16 * 1024 * 1024;

export interface LogUnderTest {
  readonly log: EventLog;
  /** Drops all that a topic of one partition has so far, as retention does. */
  expire(topic: string): Promise<void>;
  stop(): Promise<void>;
}

/** Registers the suite under the given name; `setUp` runs once and its `stop` after the last test. */
export function eventLogConformance(name: string, setUp: () => Promise<LogUnderTest>): void {
  describe(`${name} as an event log`, { timeout: TEST_MS_MAX }, () => {
    let underTest: LogUnderTest | undefined;
    const running: Consumption[] = [];

    beforeAll(async () => {
      underTest = await setUp();
    }, TEST_MS_MAX);
    afterEach(async () => {
      await Promise.all(running.splice(0).map((consumption) => consumption.stop()));
    }, TEST_MS_MAX);
    afterAll(async () => {
      await underTest?.stop();
    }, TEST_MS_MAX);

    const theOne = () => {
      if (!underTest) throw new Error('the log was not set up');
      return underTest;
    };
    const theLog = () => theOne().log;

    const newTopic = async (partitions: number): Promise<string> => {
      const topic = `conformance.${randomUUID()}`;
      await theLog().ensureTopics([
        { topic, partitions, retentionMs: 24 * 3_600_000, recordBytesMax: RECORD_BYTES_MAX },
      ]);
      return topic;
    };

    const read = (
      topic: string,
      from: number,
      to: number,
      { partition = 0, batchRecordsMax = 1_000, signal = new AbortController().signal } = {},
    ): AsyncIterable<LogBatch> => theLog().read({ topic, partition, from, to, batchRecordsMax }, signal);

    const consume = async (
      topic: string,
      handler: PartitionHandler,
      { group = `group.${randomUUID()}`, batchRecordsMax = 1_000 } = {},
    ): Promise<Consumption> => {
      const consumption = await theLog().consume({ group, topics: [topic], handler, batchRecordsMax });
      running.push(consumption);
      return consumption;
    };

    test('keys, headers, empty and binary values survive, and a record without a key has none', async () => {
      const topic = await newTopic(1);
      const binary = randomBytes(4_096);
      const beforeMs = Date.now();
      await theLog().append(topic, [
        { key: 'PJM:PJM-WEST', value: 'text', headers: { 'content-type': 'text/plain', 'x-größe': 'ä "quoted" \\ €' } },
        { key: null, value: binary },
        { key: 'κλειδί', value: '' },
      ]);
      const store = new Store();
      await consume(topic, store.member());
      await committed(store, 3);

      const [text, bytes, empty] = store.records(0);
      expect(text?.key?.toString()).toBe('PJM:PJM-WEST');
      expect(text?.value?.toString()).toBe('text');
      expect(text?.headers).toEqual({ 'content-type': 'text/plain', 'x-größe': 'ä "quoted" \\ €' });
      expect(text?.appendedAt).toBeGreaterThanOrEqual(beforeMs - 1);
      expect(text?.appendedAt).toBeLessThanOrEqual(Date.now() + 1);
      expect(bytes?.key).toBeNull();
      expect(bytes?.value?.equals(binary)).toBe(true);
      expect(bytes?.headers).toEqual({});
      expect(empty?.key?.toString()).toBe('κλειδί');
      expect(empty?.value).toEqual(Buffer.alloc(0));
    });

    test('an append says where its records went', async () => {
      const topic = await newTopic(2);
      const log = theLog();
      const [first, ...none] = await log.append(topic, ofKey('PJM', 3));
      expect([first?.offset, none]).toEqual([0, []]);
      const [next] = await log.append(topic, ofKey('PJM', 1));
      expect(next).toEqual({ partition: first?.partition, offset: 3 });
      const both = await log.append(
        topic,
        Array.from({ length: 50 }, (_, key) => ({ key: String(key), value: 'x' })),
      );
      const offsets = (await log.partitions(topic)).map(({ partition }) => (partition === first?.partition ? 4 : 0));
      expect(both.toSorted((one, other) => one.partition - other.partition)).toEqual(
        offsets.map((offset, partition) => ({ partition, offset })),
      );
      expect(await log.append(topic, [])).toEqual([]);
    });

    test('records of one key stay in order in one partition', async () => {
      const topic = await newTopic(4);
      const keys = Array.from({ length: 40 }, (_, index) => `NODE-${index}`);
      for (let round = 0; round < 10; round++) {
        await theLog().append(
          topic,
          keys.flatMap((key) => [0, 1, 2].map((part) => ({ key, value: `${key}/${round * 3 + part}` }))),
        );
      }
      const store = new Store();
      await consume(topic, store.member(), { batchRecordsMax: 100 });
      await committed(store, keys.length * 30);

      for (const key of keys) {
        const homes = store.partitions().filter((partition) => store.records(partition).some(hasKey(key)));
        expect(homes).toHaveLength(1);
        const values = store.records(homes[0] ?? -1).filter(hasKey(key));
        expect(values.map(textOf)).toEqual(values.map((_, index) => `${key}/${index}`));
      }
      expect(store.partitions().length).toBeGreaterThan(1);
    });

    test('a reader without a position begins at the first record there is', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 5));
      const store = new Store();
      await consume(topic, store.member());
      await committed(store, 5);
      expect(store.records(0).map(textOf)).toEqual(['0', '1', '2', '3', '4']);
    });

    test('a reader with a position resumes there, whatever else its group has read', async () => {
      const topic = await newTopic(1);
      const group = `group.${randomUUID()}`;
      await theLog().append(topic, numbered(0, 10));
      const first = new Store();
      const consumption = await consume(topic, first.member(), { group });
      await committed(first, 10);
      await consumption.stop();

      const fourth = first.records(0)[4];
      const second = new Store();
      second.positions.set(0, fourth?.offset ?? -1);
      await consume(topic, second.member(), { group });
      await committed(second, 6);
      expect(second.records(0).map(textOf)).toEqual(['4', '5', '6', '7', '8', '9']);
      expect(second.batches[0]?.from).toBe(fourth?.offset);
    });

    test('batches are bounded, and each begins where the one before ended', async () => {
      const topic = await newTopic(2);
      const store = new Store();
      await consume(topic, store.member(), { batchRecordsMax: 70 });
      for (let index = 0; index < 1_000; index += 125) await theLog().append(topic, numbered(index, 125));
      await committed(store, 1_000);

      for (const partition of store.partitions()) {
        let wanted = (await boundsOf(theLog(), topic, partition)).low;
        for (const batch of store.batches.filter((each) => each.partition === partition)) {
          expect(batch.from).toBe(wanted);
          expect(batch.records.length).toBeLessThanOrEqual(70);
          expect(batch.lost).toBeUndefined();
          expect(batch.end).toBeGreaterThanOrEqual(batch.next);
          const offsets = batch.records.map((record) => record.offset);
          expect(offsets).toEqual([...offsets].sort((one, other) => one - other));
          expect(offsets.every((offset) => offset >= batch.from && offset < batch.next)).toBe(true);
          wanted = batch.next;
        }
      }
    });

    test('a batch that failed is handed over again, the same, and nothing is skipped', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 50));
      const tried: LogBatch[] = [];
      const store = new Store();
      const handler = store.member({
        beforeCommit: async (batch) => {
          tried.push(batch);
          if (tried.length <= 2) throw new Error('the store is away');
        },
      });
      await consume(topic, handler, { batchRecordsMax: 20 });
      await committed(store, 50);

      for (const again of tried.slice(1, 3)) {
        expect([again.from, again.next]).toEqual([tried[0]?.from, tried[0]?.next]);
        expect(again.records.map(textOf)).toEqual(tried[0]?.records.map(textOf));
      }
      expect(store.records(0).map(textOf)).toEqual(numbered(0, 50).map(({ value }) => value));
    });

    test('a claim that failed is tried again before anything is handled', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 3));
      const store = new Store();
      const member = store.member();
      let failures = 0;
      await consume(topic, {
        claim: async (...partition) => {
          if (failures++ === 0) throw new Error('the store is away');
          return member.claim(...partition);
        },
        handle: (batch) => member.handle(batch),
      });
      await committed(store, 3);
      expect(failures).toBeGreaterThanOrEqual(2);
    });

    test('a fenced reader gives the partition up, and goes on from the position of its next claim', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 60));
      const events: string[] = [];
      const store = new Store();
      let handled = 0;
      const member = store.member({
        beforeCommit: async () => {
          if (++handled === 2) throw new BusbarError('FENCED', 'another member owns it');
        },
      });
      await consume(
        topic,
        {
          claim: async (...partition) => {
            events.push('claim');
            return member.claim(...partition);
          },
          handle: async (batch) => {
            events.push(`handle from ${batch.records[0]?.value}`);
            return member.handle(batch);
          },
        },
        { batchRecordsMax: 20 },
      );
      await committed(store, 60);

      const [, fenced] = events.filter((event) => event !== 'claim');
      const afterFence = events.slice(events.indexOf(fenced ?? '') + 1);
      expect(afterFence[0]).toBe('claim');
      expect(afterFence.find((event) => event !== 'claim')).toBe(fenced);
      expect(store.records(0).map(textOf)).toEqual(numbered(0, 60).map(({ value }) => value));
    });

    test('two members never handle one partition at the same time, and the one left takes all over', async () => {
      const topic = await newTopic(4);
      const group = `group.${randomUUID()}`;
      const store = new Store();
      const underWay = new Set<number>();
      let overlaps = 0;
      const handledBy = [0, 0];
      const member = (index: 0 | 1) =>
        store.member({
          beforeCommit: async (batch) => {
            if (underWay.has(batch.partition)) overlaps++;
            underWay.add(batch.partition);
            await new Promise((resolve) => setImmediate(resolve));
            underWay.delete(batch.partition);
            handledBy[index] = (handledBy[index] ?? 0) + batch.records.length;
          },
        });
      const consumptions = [
        await consume(topic, member(0), { group, batchRecordsMax: 50 }),
        await consume(topic, member(1), { group, batchRecordsMax: 50 }),
      ];
      for (let index = 0; index < 2_000; index += 200) await theLog().append(topic, numbered(index, 200));
      await committed(store, 2_000);

      const leaving = (handledBy[0] ?? 0) > 0 ? 0 : 1;
      await consumptions[leaving]?.stop();
      const handledByLeaver = handledBy[leaving];
      await theLog().append(topic, numbered(2_000, 400));
      await committed(store, 2_400);

      expect(handledBy[leaving]).toBe(handledByLeaver);
      expect(overlaps).toBe(0);
      expect(store.partitions()).toEqual([0, 1, 2, 3]);
      expectEachOnce(store, 2_400);
    });

    test('groups read independently of each other', async () => {
      const topic = await newTopic(1);
      const [one, other] = [new Store(), new Store()];
      await consume(topic, one.member());
      await consume(topic, other.member());
      await theLog().append(topic, numbered(0, 10));
      await Promise.all([committed(one, 10), committed(other, 10)]);
      expect(one.records(0).map(textOf)).toEqual(other.records(0).map(textOf));
    });

    test('one reader reads several topics', async () => {
      const topics = [await newTopic(1), await newTopic(1)];
      for (const topic of topics) await theLog().append(topic, [{ key: null, value: topic }]);
      const seen = new Map<string, string[]>();
      running.push(
        await theLog().consume({
          group: `group.${randomUUID()}`,
          topics,
          batchRecordsMax: 10,
          handler: {
            claim: async () => undefined,
            handle: async ({ topic, records }) => {
              seen.set(topic, [...(seen.get(topic) ?? []), ...records.map(textOf)]);
            },
          },
        }),
      );
      await expect.poll(() => seen.size, { timeout: WAIT_MS_MAX }).toBe(2);
      for (const topic of topics) expect(seen.get(topic)).toEqual([topic]);
    });

    test('the offset of an instant is that of the first record appended since', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 3));
      const betweenMs = await nextMillisecond();
      await nextMillisecond();
      await theLog().append(topic, numbered(3, 3));
      const store = new Store();
      await consume(topic, store.member());
      await committed(store, 6);

      const records = store.records(0);
      const { low, end } = await boundsOf(theLog(), topic, 0);
      expect(await theLog().offsetAt(topic, 0, 0)).toBe(low);
      expect(low).toBe(records[0]?.offset);
      expect(await theLog().offsetAt(topic, 0, betweenMs)).toBe(records[3]?.offset);
      expect(await theLog().offsetAt(topic, 0, Date.now() + 3_600_000)).toBe(end);
    });

    test('partitions are listed in order with the first offset there and the next to come', async () => {
      const topic = await newTopic(3);
      const fresh = await theLog().partitions(topic);
      expect(fresh.map(({ partition }) => partition)).toEqual([0, 1, 2]);
      expect(fresh.every(({ low, end }) => low === end)).toBe(true);

      await theLog().append(
        topic,
        Array.from({ length: 90 }, (_, index) => ({ key: `key ${index}`, value: 'x' })),
      );
      const filled = await theLog().partitions(topic);
      expect(filled.reduce((sum, { low, end }) => sum + end - low, 0)).toBe(90);
    });

    test('ensuring a topic again changes neither its partitions nor its records', async () => {
      const topic = await newTopic(2);
      await theLog().append(topic, numbered(0, 10));
      const before = await theLog().partitions(topic);
      const spec = { topic, retentionMs: 24 * 3_600_000, recordBytesMax: RECORD_BYTES_MAX };
      await theLog().ensureTopics([{ ...spec, partitions: 2 }]);
      await theLog().ensureTopics([{ ...spec, partitions: 5 }]);
      expect(await theLog().partitions(topic)).toEqual(before);
    });

    test('a record of 5 MB comes back whole', async () => {
      const topic = await newTopic(1);
      const large = randomBytes(5 * 1024 * 1024);
      await theLog().append(topic, [
        { key: 'large', value: large },
        { key: 'small', value: 'after it' },
      ]);
      const store = new Store();
      await consume(topic, store.member());
      await committed(store, 2);
      expect(store.records(0)[0]?.value?.equals(large)).toBe(true);
      expect(store.records(0).map(({ key }) => key?.toString())).toEqual(['large', 'small']);
    });

    test('appending nothing is no error and adds nothing', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, []);
      const { low, end } = await boundsOf(theLog(), topic, 0);
      expect(end).toBe(low);
    });

    test('stopping finishes the batch under way and then resolves', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 10));
      const entered = new Gate();
      const gate = new Gate();
      const events: string[] = [];
      const store = new Store();
      const handler = store.member({
        beforeCommit: async () => {
          entered.open();
          await gate.opened;
          events.push('handled');
        },
      });
      const consumption = await consume(topic, handler);
      await entered.opened;
      const stopped = consumption.stop().then(() => events.push('stopped'));
      await theLog().ping();
      expect(events).toEqual([]);
      gate.open();
      await stopped;
      await consumption.ended;
      expect(events).toEqual(['handled', 'stopped']);
      expect(store.records(0)).toHaveLength(10);
      await consumption.stop();
    });

    test('a read hands over exactly its range, in bounded batches that follow each other', async () => {
      const topic = await newTopic(1);
      for (let index = 0; index < 3_000; index += 500) await theLog().append(topic, numbered(index, 500));
      const batches = await collected(read(topic, 100, 2_900, { batchRecordsMax: 300 }));

      expect(batches.flatMap(({ records }) => records).map(textOf)).toEqual(valuesOf(100, 2_900));
      expect(batches.length).toBeGreaterThanOrEqual(10);
      expect([batches[0]?.from, batches.at(-1)?.next]).toEqual([100, 2_900]);
      expect(batches.slice(1).map(({ from }) => from)).toEqual(batches.slice(0, -1).map(({ next }) => next));
      for (const batch of batches) {
        expect(batch).toMatchObject({ topic, partition: 0, end: 3_000 });
        expect(batch.records.length).toBeLessThanOrEqual(300);
        expect(batch.records.every(({ offset }) => offset >= batch.from && offset < batch.next)).toBe(true);
        expect(batch.lost).toBeUndefined();
      }
    });

    test('a read ends at the end of its range, though the batch would hold more', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 10));
      const [batch, ...more] = await collected(read(topic, 2, 5));
      expect(batch).toMatchObject({ from: 2, next: 5, end: 10 });
      expect(batch?.records.map(textOf)).toEqual(['2', '3', '4']);
      expect(more).toEqual([]);
    });

    test('a range that goes beyond the log ends where the log ends', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 5));
      const batches = await collected(read(topic, 3, 1_000));
      expect(batches.flatMap(({ records }) => records).map(textOf)).toEqual(['3', '4']);
      expect(batches.at(-1)?.next).toBe(5);
      expect(await collected(read(topic, 5, 1_000))).toEqual([]);
    });

    test('a range that begins beyond the end of the log is refused, as the log was another when it was given', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 5));
      await expect(collected(read(topic, 6, 9))).rejects.toMatchObject({
        code: 'NOT_FOUND',
        details: { wanted: 6, end: 5 },
      });
    });

    test('an empty range ends at once, were the partition not there at all', async () => {
      expect(await collected(read('nowhere', 7, 7))).toEqual([]);
      expect(await collected(read('nowhere', 7, 3))).toEqual([]);
    });

    test('a partition or a topic that is not there cannot be read', async () => {
      const topic = await newTopic(2);
      await expect(collected(read(topic, 0, 9, { partition: 2 }))).rejects.toMatchObject({ code: 'NOT_FOUND' });
      await expect(collected(read('nowhere', 0, 9))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    });

    test('a read keeps to its partition, and several read at the same time', async () => {
      const topic = await newTopic(4);
      await theLog().append(topic, numbered(0, 400));
      const bounds = await theLog().partitions(topic);
      const batches = await Promise.all(
        bounds.map(({ partition, low, end }) => collected(read(topic, low, end, { partition, batchRecordsMax: 30 }))),
      );
      const numbers = batches.flat().flatMap(({ records }) => records.map((record) => Number(textOf(record))));
      expect(numbers.sort((one, other) => one - other)).toEqual(valuesOf(0, 400).map(Number));
      for (const { partition } of bounds) {
        expect(batches[partition]?.every((batch) => batch.partition === partition)).toBe(true);
      }
    });

    test('a read does not disturb whoever consumes the partition', async () => {
      const topic = await newTopic(1);
      const store = new Store();
      const member = store.member();
      let claims = 0;
      await consume(topic, {
        claim: (...partition) => {
          claims++;
          return member.claim(...partition);
        },
        handle: (batch) => member.handle(batch),
      });
      await theLog().append(topic, numbered(0, 500));
      await committed(store, 500);

      for await (const { from, next, records } of read(topic, 0, 500, { batchRecordsMax: 200 })) {
        await theLog().append(topic, numbered(500 + from, records.length));
        await committed(store, 500 + next);
      }
      expect(store.records(0).map(textOf)).toEqual(valuesOf(0, 1_000));
      expect(store.positions.get(0)).toBe(1_000);
      expect(claims).toBe(1);
    });

    test('an aborted read throws the reason, whether it is between two batches or waits for one', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 100));
      const reason = new Error('enough');
      for (const batchesBefore of [0, 1]) {
        for (const waiting of [true, false]) {
          const abort = new AbortController();
          const batches = read(topic, 0, 100, { batchRecordsMax: 10, signal: abort.signal })[Symbol.asyncIterator]();
          for (let count = 0; count < batchesBefore; count++) await batches.next();
          const next = waiting ? batches.next() : undefined;
          abort.abort(reason);
          await expect(next ?? batches.next()).rejects.toBe(reason);
          expect(await batches.next()).toEqual({ done: true, value: undefined });
        }
      }
    });

    test('a read may be left early, and begun again where it was left', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 100));
      const seen: LogRecord[] = [];
      let position = 0;
      while (position < 100) {
        for await (const batch of read(topic, position, 100, { batchRecordsMax: 40 })) {
          seen.push(...batch.records);
          position = batch.next;
          break;
        }
      }
      expect(seen.map(textOf)).toEqual(valuesOf(0, 100));
    });

    test('a read is told what retention has dropped of its range, and of nothing else', async () => {
      const topic = await newTopic(1);
      await theLog().append(topic, numbered(0, 10));
      await theOne().expire(topic);
      await theLog().append(topic, numbered(10, 5));

      const [first, ...others] = await collected(read(topic, 4, 12));
      expect(first).toMatchObject({ lost: { from: 4, to: 10 }, from: 10, next: 12 });
      expect(first?.records.map(textOf)).toEqual(['10', '11']);
      expect(others).toEqual([]);
      // Nothing of the range is left, and all of it is behind.
      expect(await collected(read(topic, 2, 7))).toMatchObject([
        { lost: { from: 2, to: 7 }, from: 7, next: 7, records: [], end: 15 },
      ]);
      await theOne().expire(topic);
      expect(await collected(read(topic, 12, 1_000))).toMatchObject([
        { lost: { from: 12, to: 15 }, from: 15, next: 15, records: [], end: 15 },
      ]);
    });

    test('of 20,000 records appended while they are read, none is lost and none comes twice', async () => {
      const topic = await newTopic(4);
      const store = new Store();
      for (let index = 0; index < 10_000; index += 1_000) await theLog().append(topic, numbered(index, 1_000));
      await consume(topic, store.member(), { batchRecordsMax: 700 });
      const appends = [];
      for (let index = 10_000; index < 20_000; index += 500) appends.push(theLog().append(topic, numbered(index, 500)));
      await Promise.all(appends);
      await committed(store, 20_000);
      expect(store.partitions()).toEqual([0, 1, 2, 3]);
      expectEachOnce(store, 20_000);
    });
  });
}

/**
 * What Busbar's database does, in memory: positions move together with the records, and a claim's epoch fences whoever
 * claimed before.
 */
class Store {
  readonly positions = new Map<number, number>();
  readonly batches: LogBatch[] = [];
  readonly #epochs = new Map<number, number>();
  readonly #records = new Map<number, LogRecord[]>();
  count = 0;

  /** A reader that commits here; `beforeCommit` may wait, look or throw. */
  member({ beforeCommit = async (_batch: LogBatch): Promise<void> => {} } = {}): PartitionHandler {
    const claimed = new Map<number, number>();
    return {
      claim: async (_topic, partition) => {
        const epoch = (this.#epochs.get(partition) ?? 0) + 1;
        this.#epochs.set(partition, epoch);
        claimed.set(partition, epoch);
        return this.positions.get(partition);
      },
      handle: async (batch) => {
        await beforeCommit(batch);
        if (claimed.get(batch.partition) !== this.#epochs.get(batch.partition)) {
          throw new BusbarError('FENCED', `partition ${batch.partition} was claimed by another member`);
        }
        this.#commit(batch);
      },
    };
  }

  partitions(): number[] {
    return [...this.#records.keys()].sort((one, other) => one - other);
  }

  records(partition: number): readonly LogRecord[] {
    return this.#records.get(partition) ?? [];
  }

  #commit(batch: LogBatch): void {
    this.batches.push(batch);
    this.positions.set(batch.partition, batch.next);
    this.#records.set(batch.partition, this.records(batch.partition).concat(batch.records));
    this.count += batch.records.length;
  }
}

class Gate {
  open: () => void = () => {};
  readonly opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
}

async function committed(store: Store, count: number): Promise<void> {
  await expect.poll(() => store.count, { timeout: WAIT_MS_MAX, interval: 20 }).toBeGreaterThanOrEqual(count);
  expect(store.count).toBe(count);
}

/** Records `first … first + count - 1`, each with a key of its own and its number as the value. */
const ofKey = (key: string, count: number) => Array.from({ length: count }, () => ({ key, value: 'x' }));

function numbered(first: number, count: number): OutgoingRecord[] {
  return Array.from({ length: count }, (_, index) => ({ key: `key ${first + index}`, value: String(first + index) }));
}

/** The values of records `from … to - 1` of those. */
function valuesOf(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, index) => String(from + index));
}

async function collected(batches: AsyncIterable<LogBatch>): Promise<LogBatch[]> {
  const all: LogBatch[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

function expectEachOnce(store: Store, count: number): void {
  const numbers = store
    .partitions()
    .flatMap((partition) => store.records(partition).map((each) => Number(textOf(each))));
  expect(numbers.sort((one, other) => one - other)).toEqual(Array.from({ length: count }, (_, index) => index));
}

async function boundsOf(log: EventLog, topic: string, partition: number): Promise<{ low: number; end: number }> {
  const bounds = (await log.partitions(topic)).find((each) => each.partition === partition);
  if (!bounds) throw new Error(`topic ${topic} has no partition ${partition}`);
  return bounds;
}

/** Waits until the clock shows a later millisecond than now, and returns it. */
async function nextMillisecond(): Promise<number> {
  const nowMs = Date.now();
  await expect.poll(() => Date.now(), { interval: 2 }).toBeGreaterThan(nowMs);
  return Date.now();
}

function hasKey(key: string): (record: LogRecord) => boolean {
  return (record) => record.key?.toString() === key;
}

function textOf(record: LogRecord): string {
  return record.value?.toString() ?? '';
}
