import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { BusbarError, messageOf } from '../../domain/errors.ts';
import { TextCache } from '../limits/text-cache.ts';
import { normalForm } from './normal-form.ts';

/** The operations that a team has registered. */
export interface KnownOperations {
  /** @param hash SHA-256 in hexadecimal. */
  textOf(hash: string): string | undefined;
  /** Whether it is one of them, however it is laid out and ordered. */
  has(text: string): boolean;
}

export const NO_OPERATIONS_KNOWN: KnownOperations = { textOf: () => undefined, has: () => false };

const MANIFEST = z.record(z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256'), z.string().min(1));

/** @throws BusbarError `CONFIG_INVALID` where it cannot be read, is none, or a text is not what its hash says. */
export async function readManifest(file: string): Promise<KnownOperations> {
  const manifest = await parsed(file).catch((cause: unknown) => {
    throw invalid(file, messageOf(cause), cause);
  });
  for (const [hash, text] of manifest) {
    if (sha256Of(text) !== hash) throw invalid(file, `the text of ${hash} has another hash: was it made with sha256?`);
  }
  return knownOperations(manifest);
}

async function parsed(file: string): Promise<Map<string, string>> {
  return new Map(Object.entries(MANIFEST.parse(JSON.parse(await readFile(file, 'utf8')))));
}

export function knownOperations(texts: ReadonlyMap<string, string>): KnownOperations {
  const forms = new Set([...texts.values()].map(normalForm));
  const longest = Math.max(0, ...[...texts.values()].map(({ length }) => length));
  const judged = new TextCache<boolean>(JUDGED_CHARACTERS_MAX, JUDGED_LENGTH_MAX);
  const judge = (text: string) => {
    if (texts.has(sha256Of(text))) return true;
    const form = text.length <= longest * LAYOUT_MAX ? normalForm(text) : undefined;
    return form !== undefined && forms.has(form);
  };
  return {
    textOf: (hash) => texts.get(hash),
    has(text) {
      const known = judged.get(text) ?? judge(text);
      judged.set(text, known);
      return known;
    },
  };
}

/** A text may be so many times as long as the longest that is known, for being laid out with more space. */
const LAYOUT_MAX = 4;
const JUDGED_CHARACTERS_MAX = 4_000_000;
const JUDGED_LENGTH_MAX = 65_536;

export function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

function invalid(file: string, why: string, cause?: unknown): BusbarError {
  return new BusbarError('CONFIG_INVALID', `PERSISTED_FILE: ${file}: ${why}`, { cause });
}
