import { crc32, deflateRawSync } from 'node:zlib';

/**
 * Writes zip archives for stand-ins and tests: deflated members, no folders, no zip64.
 * Layout (APPNOTE 4.3.6): local header and data of each member, the central directory, its end record.
 */
export function zipOf(members: readonly { readonly name: string; readonly bytes: Buffer }[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, bytes } of members) {
    const packed = deflateRawSync(bytes);
    const fields = memberFields(name, bytes, packed);
    const local = Buffer.concat([words(0x04034b50), fields, Buffer.from(name)]);
    directory.push(words(0x02014b50), halves(20), fields, halves(0, 0, 0), words(0, offset), Buffer.from(name));
    parts.push(local, packed);
    offset += local.length + packed.length;
  }
  const central = Buffer.concat(directory);
  const count = members.length;
  const end = [words(0x06054b50), halves(0, 0, count, count), words(central.length, offset), halves(0)];
  return Buffer.concat([...parts, central, ...end]);
}

/** What local header and directory entry share: version, flags, method, time, checksum, sizes, lengths. */
function memberFields(name: string, bytes: Buffer, packed: Buffer): Buffer {
  const utf8Name = 0x0800;
  const deflated = 8;
  const first1980 = 0x21;
  return Buffer.concat([
    halves(20, utf8Name, deflated, 0, first1980),
    words(crc32(bytes), packed.length, bytes.length),
    halves(Buffer.byteLength(name), 0),
  ]);
}

function halves(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, place) => {
    bytes.writeUInt16LE(value, place * 2);
  });
  return bytes;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, place) => {
    bytes.writeUInt32LE(value >>> 0, place * 4);
  });
  return bytes;
}
