import { availableParallelism, cpus, totalmem } from 'node:os';

/** What a figure means nothing without. */
export function environment() {
  return {
    date: new Date().toISOString().slice(0, 10),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 2 ** 30),
  };
}
