import type { OutgoingRecord } from '../sources/event-log.ts';

const SEND_RECORDS_MAX = 1_000;
const SEND_BYTES_MAX = 500_000;

/**
 * Cuts records into sends whose offsets follow each other: those of one key, which lie in one partition, up to what neither log
 * would cut further; each record without a key by itself.
 */
export function* sendsByKey(records: readonly OutgoingRecord[]): Generator<OutgoingRecord[]> {
  const byKey = new Map<string | symbol, OutgoingRecord[]>();
  for (const record of records) {
    const key = record.key ?? Symbol();
    const others = byKey.get(key);
    if (others) others.push(record);
    else byKey.set(key, [record]);
  }
  for (const ofKey of byKey.values()) yield* cut(ofKey);
}

function* cut(records: readonly OutgoingRecord[]): Generator<OutgoingRecord[]> {
  let send: OutgoingRecord[] = [];
  let bytes = 0;
  for (const record of records) {
    if (send.length > 0 && (send.length === SEND_RECORDS_MAX || bytes + record.value.length > SEND_BYTES_MAX)) {
      yield send;
      send = [];
      bytes = 0;
    }
    send.push(record);
    bytes += record.value.length;
  }
  yield send;
}
