import { describe, expect, test } from 'vitest';
import { tick, WIDE } from './live-bus.conformance.ts';
import { RedisStream } from './redis-stream.ts';
import { tickCodec } from './tick-codec.ts';

const CURSOR = '0123456789ab-5-0';
const stream = new RedisStream({ channel: 'lmp', codec: tickCodec, prefix: 'test:', window: WIDE });

describe('entries from Redis', () => {
  test('a tick is the same after its way through Redis', () => {
    const ticks = [
      tick('PJM:PJM-WEST', 1),
      { ...tick('CAISO:TH_NP15_GEN-APND', 2), energy: null, ghg: -0.5, flags: [] },
    ];
    expect(tickCodec.decode(tickCodec.encode(ticks))).toEqual(ticks);
  });

  test('a tick is written as processes of earlier versions read it', () => {
    expect(tickCodec).toMatchObject({ format: 1, field: 'ticks' });
    expect(tickCodec.encode([tick('PJM:PJM-WEST', 1)])).toBe(
      '[["PJM:PJM-WEST","REAL_TIME_5_MIN",1719400000000,1719400300000,-31.25,30.1,-61.35,0,null,2,["IDENTITY_BREACH"],1719400000123,1]]',
    );
  });

  test('entries that follow the cursor and each other get their cursors', () => {
    const messages = [message('6-0', CURSOR), message('6-1', '0123456789ab-6-0')];
    expect(stream.entriesAfter(CURSOR, messages).map(({ id }) => id)).toEqual(['0123456789ab-6-0', '0123456789ab-6-1']);
  });

  test.each([
    ['an entry is missing before the first', [message('7-0', '0123456789ab-6-0')]],
    ['an entry is missing between two', [message('6-0', CURSOR), message('8-0', '0123456789ab-7-0')]],
    ['the stream has begun anew', [message('6-0', 'ba9876543210-0-0')]],
    ['the entry of the cursor was lost', [message('6-0', '0123456789ab-4-0')]],
  ])('the cursor is expired where %s', (_, messages) => {
    expect(() => stream.entriesAfter(CURSOR, messages)).toThrow(expect.objectContaining({ code: 'CURSOR_EXPIRED' }));
  });
});

function message(id: string, after: string) {
  return { id, message: { after, ticks: tickCodec.encode([tick('PJM:PJM-WEST', 1)]) } };
}
