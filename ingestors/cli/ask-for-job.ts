import { audited } from '../../prisma/operations/audit.ts';
import { readJobs } from '../../prisma/operations/jobs.ts';
import type { Queryable } from '../../prisma/queryable.ts';
import { followJob } from './follow.ts';
import { whoWorks } from './hands.ts';
import { jobJson, jobName } from './job-text.ts';
import { existingJob } from './jobs/existing-job.ts';
import type { JsonOptions } from './options.ts';
import { printJson, printLine } from './output.ts';
import { actorAtShell, type Session } from './session.ts';

export interface AskOptions extends JsonOptions {
  readonly detach?: boolean | undefined;
}

export interface JobRequest {
  /** The mutation that asks for the same, for the audit log. */
  readonly action: string;
  /** What was asked for, for the audit log. */
  readonly input: object;
  /**
   * Looks at what was asked for and asks for it; what is refused here is in the audit log too.
   * @returns the job's id.
   */
  readonly request: (client: Queryable, by: string) => Promise<number>;
}

/**
 * Asks for a job and, unless it is to be detached, follows it to its end; where no ingestors run, it is worked on here.
 */
export async function askForJob(
  session: Session,
  { action, input, request }: JobRequest,
  { json, detach }: AskOptions,
): Promise<void> {
  const { store, terminal } = session;
  const { pool } = store;
  const actor = actorAtShell();
  const { jobId } = await audited(pool, { actor, action, input }, async (client) => ({
    jobId: await request(client, actor.name),
  }));
  const job = existingJob(await readJobs(pool, [jobId]), jobId);
  if (!json) printLine(terminal, `Asked for: ${jobName(job)}.`);
  if (!detach) return followJob(session, jobId, { json, work: true });
  if (json) printJson(terminal, jobJson(job));
  else printLine(terminal, await whoWorks(pool, jobId));
}
