import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isBusbarError } from '../../domain/errors.ts';
import { zipOf } from '../stand-ins/zip-writer.ts';
import { isZip, readZip, zipMemberNames } from './zip.ts';

const LIMITS = { membersMax: 4, bytesMax: 1000 };
const two = zipOf([
  { name: 'a.csv', bytes: Buffer.from('hello\n'.repeat(20)) },
  { name: 'b.xml', bytes: Buffer.from('<x/>') },
]);

test('members come back byte for byte, in order', async () => {
  const members = await readZip(two, LIMITS);
  expect(members.map((member) => [member.name, member.bytes.toString()])).toEqual([
    ['a.csv', 'hello\n'.repeat(20)],
    ['b.xml', '<x/>'],
  ]);
});

test('only wanted members are unpacked, and names can be listed without unpacking', async () => {
  const only = await readZip(two, LIMITS, (name) => name.endsWith('.xml'));
  expect(only.map((member) => member.name)).toEqual(['b.xml']);
  expect(await zipMemberNames(two, LIMITS)).toEqual(['a.csv', 'b.xml']);
});

test('a zip is known by its first bytes', () => {
  expect(isZip(two)).toBe(true);
  expect(isZip(Buffer.from('INTERVALSTARTTIME_GMT,'))).toBe(false);
  expect(isZip(Buffer.alloc(0))).toBe(false);
});

test('a zip with too many members is refused before anything is unpacked', async () => {
  const many = zipOf(Array.from({ length: 5 }, (_, i) => ({ name: `${i}.csv`, bytes: Buffer.from('x') })));
  await expect(readZip(many, LIMITS)).rejects.toMatchObject({ code: 'MALFORMED', message: /5 members/ });
});

test('a zip bomb is refused by its declared size before anything is unpacked', async () => {
  const bomb = zipOf([{ name: 'bomb.csv', bytes: Buffer.alloc(1_000_000) }]);
  expect(bomb.length).toBeLessThan(2000);
  await expect(readZip(bomb, LIMITS)).rejects.toMatchObject({ code: 'MALFORMED', message: /limit of 1000/ });
});

test('a zip bomb that lies about its size is refused while it is unpacked', async () => {
  const bomb = zipOf([{ name: 'bomb.csv', bytes: Buffer.alloc(1_000_000) }]);
  for (const header of ['PK\x03\x04', 'PK\x01\x02']) {
    const at = bomb.indexOf(header, 0, 'latin1') + (header === 'PK\x03\x04' ? 22 : 24);
    bomb.writeUInt32LE(900, at);
  }
  await expect(readZip(bomb, LIMITS)).rejects.toMatchObject({ code: 'MALFORMED' });
});

test('a member whose bytes do not match its checksum is refused', async () => {
  const damaged = zipOf([{ name: 'a.csv', bytes: Buffer.from('36.57843') }]);
  const directory = damaged.indexOf('PK\x01\x02', 0, 'latin1');
  damaged.writeUInt32LE(1, directory + 16);
  await expect(readZip(damaged, LIMITS)).rejects.toMatchObject({ code: 'MALFORMED', message: /checksum/ });
});

test('a truncated zip is refused at every length', async () => {
  for (let length = 0; length < two.length; length += 7) {
    await expect(readZip(two.subarray(0, length), LIMITS)).rejects.toMatchObject({ code: 'MALFORMED' });
  }
});

test('a zip with one changed byte is refused or unpacks to the same bytes', async () => {
  const whole = await readZip(two, LIMITS);
  await fc.assert(
    fc.asyncProperty(fc.nat(two.length - 1), fc.integer({ min: 1, max: 255 }), async (place, change) => {
      const mutated = Buffer.from(two);
      mutated.writeUInt8(mutated.readUInt8(place) ^ change, place);
      const result = await readZip(mutated, LIMITS).catch((error: unknown) => error);
      if (isBusbarError(result, 'MALFORMED')) return;
      // Names are not covered by a checksum, and the member count may shrink to what still stands in the directory.
      const contents = (result as typeof whole).map((member) => member.bytes.toString());
      expect(whole.map((member) => member.bytes.toString())).toEqual(expect.arrayContaining(contents));
    }),
  );
});
