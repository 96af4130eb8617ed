import { BusbarError } from '../../../domain/errors.ts';
import type { JobRow } from '../../../prisma/operations/jobs.ts';

/** @throws BusbarError `NOT_FOUND` */
export function existingJob(found: readonly JobRow[], id: number): JobRow {
  const job = found.find((each) => each.id === id);
  if (!job) throw new BusbarError('NOT_FOUND', `there is no job ${id}`);
  return job;
}
