-- What keeps the ledger usable when it is long: many payloads in one chunk of a replay, counters in place of scans, an
-- order of versions of its own, and expectations that end with whoever promised them.

ALTER TYPE "audit_outcome" ADD VALUE 'BEGUN';

-- When a source said the same again. It orders versions; when the price was published stays what it was.
ALTER TABLE "lmp" ADD COLUMN "confirmed_at" TIMESTAMPTZ(3), ADD COLUMN "confirmed_seq" BIGINT;

-- A chunk of a replay decodes the payloads of many entries.
ALTER TABLE "ledger_entry" ADD COLUMN "origin_ids" BIGINT[] DEFAULT ARRAY[]::BIGINT[];
UPDATE "ledger_entry" SET "origin_ids" = ARRAY["origin_id"] WHERE "origin_id" IS NOT NULL;
ALTER TABLE "ledger_entry" DROP COLUMN "origin_id";

-- Entries of what is read as a stream are many and never looked for by checksum; those that did not end well are few.
DROP INDEX "ledger_entry_feed_id_checksum_idx";
CREATE INDEX "ledger_entry_feed_id_checksum_idx" ON "ledger_entry"("feed_id", "checksum")
  WHERE "kind" IN ('FETCH', 'BACKFILL', 'FILE');
CREATE INDEX "ledger_entry_feed_id_state_id_idx" ON "ledger_entry"("feed_id", "state", "id" DESC)
  WHERE "state" <> 'COMPLETED';

DROP INDEX "ledger_entry_job_id_state_idx";
CREATE INDEX "ledger_entry_job_id_state_id_idx" ON "ledger_entry"("job_id", "state", "id" DESC) WHERE "job_id" IS NOT NULL;

ALTER TABLE "feed_position"
    ADD COLUMN "entries" BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN "rows_written" BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN "rows_revised" BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN "rows_rejected" BIGINT NOT NULL DEFAULT 0;
UPDATE "feed_position" p SET
    "entries" = e.entries, "rows_written" = e.written, "rows_revised" = e.revised, "rows_rejected" = e.rejected
  FROM (SELECT "feed_id", "partition", count(*) AS entries, sum("rows_written") AS written,
               sum("rows_revised") AS revised, sum("rows_rejected") AS rejected
        FROM "ledger_entry" WHERE "commit_id" IS NOT NULL GROUP BY "feed_id", "partition") AS e
  WHERE (p."feed_id", p."partition") = (e."feed_id", e."partition");

ALTER TABLE "feed_expectation" ADD COLUMN "renewed_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP;
