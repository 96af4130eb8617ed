import { unwatchFile, watchFile } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { BusbarError, messageOf } from '../domain/errors.ts';

/** PEM files: the certificate with its chain, and its private key. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** @throws BusbarError `CONFIG_INVALID` where they cannot be read, or do not belong together. */
export async function readCertificate({ cert, key }: CertificateFiles): Promise<SecureContextOptions> {
  try {
    const [certificate, privateKey] = await Promise.all([readFile(cert), readFile(key)]);
    const context: SecureContextOptions = { cert: certificate, key: privateKey, minVersion: 'TLSv1.2' };
    createSecureContext(context);
    return context;
  } catch (cause) {
    throw new BusbarError('CONFIG_INVALID', `TLS_CERT and TLS_KEY: ${messageOf(cause)}`, { cause });
  }
}

/**
 * Reads them again when one changes. While the two do not belong together, as between two writes, what was read before stays.
 * @param everyMs how often they are looked at: they may lie on file systems that tell of no change.
 * @returns stops watching.
 */
export function watchCertificate(
  files: CertificateFiles,
  {
    everyMs = 5_000,
    onRead,
    onFailed,
  }: { everyMs?: number; onRead: (context: SecureContextOptions) => void; onFailed: (error: unknown) => void },
): () => void {
  const read = () => void readCertificate(files).then(onRead, onFailed);
  for (const file of [files.cert, files.key]) watchFile(file, { interval: everyMs, persistent: false }, read);
  return () => {
    for (const file of [files.cert, files.key]) unwatchFile(file, read);
  };
}
