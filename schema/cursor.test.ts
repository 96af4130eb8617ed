import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { cursorCodec } from './cursor.ts';

const lmps = cursorCodec('lmps', z.object({ startAt: z.number().int(), node: z.string() }));

describe('a cursor', () => {
  it('comes back as the position it was made from, whatever the name of the node', () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), fc.string({ unit: 'grapheme' }), (startAt, node) => {
        expect(lmps.decode(lmps.encode({ startAt, node }))).toEqual({ startAt, node });
      }),
    );
  });

  it.each([
    ['nothing', ''],
    ['words', 'the next page'],
    ['bytes that are no text', '_____w'],
    ['another list', cursorCodec('ledger', z.number()).encode(7)],
    ['another shape', Buffer.from('["lmps",{"startAt":"1","node":"PJM:A"}]').toString('base64url')],
  ])('made of %s is refused as bad input', (_what, text) => {
    expect(() => lmps.decode(text)).toThrow(expect.objectContaining({ code: 'BAD_USER_INPUT' }));
  });
});
