import { BusbarError } from '../../../domain/errors.ts';
import type { JobStanding } from '../../../prisma/operations/jobs.ts';

/** @throws BusbarError `NOT_FOUND` */
export function existingJob<Found extends JobStanding>(found: readonly Found[], id: number): Found {
  const job = found.find((each) => each.id === id);
  if (!job) throw new BusbarError('NOT_FOUND', `there is no job ${id}`);
  return job;
}
