import type { AuditRow, Page, Slice } from '../../schema/context.ts';
import { sliceFrom } from './slice.ts';
import type { Queryable } from './statement.ts';

interface StoredAuditEntry extends Omit<AuditRow, 'at' | 'jobId'> {
  readonly at: Date;
  readonly job_id: number | null;
}

const LIST = `
  SELECT id, at, actor, subject, address, via, action, input::text AS input, outcome, error, job_id
  FROM audit_entry
  WHERE $1::bigint IS NULL OR id < $1
  ORDER BY id DESC
  LIMIT $2`;

/** A page of the audit log, newest first. `after`: the id of the last one seen. */
export async function readAuditLog(db: Queryable, page: Page<number>): Promise<Slice<AuditRow>> {
  const values = [page.after ?? null, page.first + 1];
  const { rows } = await db.query<StoredAuditEntry>({ name: 'audit-log', text: LIST, values });
  return sliceFrom(rows.map(auditRowFrom), page);
}

function auditRowFrom({ at, job_id, ...entry }: StoredAuditEntry): AuditRow {
  return { ...entry, at: at.getTime(), jobId: job_id };
}
