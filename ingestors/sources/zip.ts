import { crc32 } from 'node:zlib';
import { type Entry, fromBufferPromise, type ZipFile } from 'yauzl';
import { BusbarError, isBusbarError, messageOf } from '../../domain/errors.ts';

/**
 * Reading zip archives that a source sent us. A few kilobytes of zip can unpack to terabytes, so every archive is read
 * under limits, and the limits are checked against what the archive declares before anything is unpacked. yauzl then
 * holds each member to its declared size; the checksum is checked here, because yauzl leaves it to its caller.
 */
export interface ZipLimits {
  readonly membersMax: number;
  /** Unpacked size of all members together. */
  readonly bytesMax: number;
}

export interface ZipMember {
  readonly name: string;
  readonly bytes: Buffer;
}

/** True where the bytes begin as a zip does, an empty one included. */
export function isZip(bytes: Buffer): boolean {
  const magic = bytes.subarray(0, 4).toString('latin1');
  return magic === 'PK\x03\x04' || magic === 'PK\x05\x06';
}

/**
 * Unpacks the members of an archive, in the order of its directory; folders are left out.
 * @param wanted unpacks only members whose name passes; limits hold for the whole archive all the same.
 * @throws BusbarError `MALFORMED` where the archive is damaged, encrypted or over a limit.
 */
export function readZip(
  bytes: Buffer,
  limits: ZipLimits,
  wanted: (name: string) => boolean = () => true,
): Promise<ZipMember[]> {
  return withEntries(bytes, limits, async (zip, entries) => {
    const members: ZipMember[] = [];
    for (const entry of entries.filter((each) => wanted(each.fileName))) {
      members.push({ name: entry.fileName, bytes: await unpacked(zip, entry) });
    }
    return members;
  });
}

/** Names of the members without unpacking them. Throws as `readZip` does. */
export function zipMemberNames(bytes: Buffer, limits: ZipLimits): Promise<string[]> {
  return withEntries(bytes, limits, async (_, entries) => entries.map((entry) => entry.fileName));
}

async function withEntries<T>(
  bytes: Buffer,
  limits: ZipLimits,
  work: (zip: ZipFile, entries: readonly Entry[]) => Promise<T>,
): Promise<T> {
  try {
    const zip = await fromBufferPromise(bytes, { lazyEntries: true });
    if (zip.entryCount > limits.membersMax) throw tooLarge(`${zip.entryCount} members`, `${limits.membersMax}`);
    const entries: Entry[] = [];
    let total = 0;
    for await (const entry of zip.eachEntry()) {
      total += entry.uncompressedSize;
      if (total > limits.bytesMax) throw tooLarge(`${total} bytes or more unpacked`, `${limits.bytesMax}`);
      if (!entry.fileName.endsWith('/')) entries.push(entry);
    }
    return await work(zip, entries);
  } catch (error) {
    if (isBusbarError(error)) throw error;
    throw new BusbarError('MALFORMED', `the zip cannot be read: ${messageOf(error)}`, { cause: error });
  }
}

async function unpacked(zip: ZipFile, entry: Entry): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of await zip.openReadStreamPromise(entry)) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  if (crc32(bytes) !== entry.crc32) {
    throw new BusbarError('MALFORMED', `the zip member ${entry.fileName} does not match its checksum`);
  }
  return bytes;
}

function tooLarge(what: string, limit: string): BusbarError {
  return new BusbarError('MALFORMED', `the zip has ${what}, more than the limit of ${limit}`);
}
