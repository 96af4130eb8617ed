/**
 * What the work comes to, or the signal's reason as soon as that is aborted. The work itself goes on; what becomes of it
 * then is nobody's concern.
 */
export async function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let abort = () => {};
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    signal.addEventListener('abort', abort);
  });
  if (signal.aborted) abort();
  try {
    const outcome = await Promise.race([aborted, work]);
    // Both may have happened before anybody looked.
    signal.throwIfAborted();
    return outcome;
  } finally {
    signal.removeEventListener('abort', abort);
  }
}
