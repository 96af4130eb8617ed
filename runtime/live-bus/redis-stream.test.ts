import { describe, expect, test } from 'vitest';
import { tick } from './live-bus.conformance.ts';
import { entriesAfter } from './redis-stream.ts';
import { decodeTicks, encodeTicks } from './tick-codec.ts';

const CURSOR = '0123456789ab-5-0';

describe('entries from Redis', () => {
  test('a tick is the same after its way through Redis', () => {
    const ticks = [
      tick('PJM:PJM-WEST', 1),
      { ...tick('CAISO:TH_NP15_GEN-APND', 2), energy: null, ghg: -0.5, flags: [] },
    ];
    expect(decodeTicks(encodeTicks(ticks))).toEqual(ticks);
  });

  test('entries that follow the cursor and each other get their cursors', () => {
    const messages = [message('6-0', CURSOR), message('6-1', '0123456789ab-6-0')];
    expect(entriesAfter(CURSOR, messages).map(({ id }) => id)).toEqual(['0123456789ab-6-0', '0123456789ab-6-1']);
  });

  test.each([
    ['an entry is missing before the first', [message('7-0', '0123456789ab-6-0')]],
    ['an entry is missing between two', [message('6-0', CURSOR), message('8-0', '0123456789ab-7-0')]],
    ['the stream has begun anew', [message('6-0', 'ba9876543210-0-0')]],
    ['the entry of the cursor was lost', [message('6-0', '0123456789ab-4-0')]],
  ])('the cursor is expired where %s', (_, messages) => {
    expect(() => entriesAfter(CURSOR, messages)).toThrow(expect.objectContaining({ code: 'CURSOR_EXPIRED' }));
  });
});

function message(id: string, after: string) {
  return { id, message: { after, ticks: encodeTicks([tick('PJM:PJM-WEST', 1)]) } };
}
