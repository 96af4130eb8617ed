-- The ledger as a first-class concept: jobs and their chunks, kept payloads, dead letters that can be tried again,
-- what each feed owes, the pace of each source, and the audit log.

CREATE TYPE "job_kind" AS ENUM ('BACKFILL', 'REPLAY', 'RETRY');
CREATE TYPE "job_state" AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED');
CREATE TYPE "audit_outcome" AS ENUM ('DONE', 'REFUSED', 'FAILED');
CREATE TYPE "dead_letter_form" AS ENUM ('PAYLOAD', 'FACT');
ALTER TYPE "ledger_kind" ADD VALUE 'RETRY';

CREATE TABLE "job" (
    "id" BIGSERIAL NOT NULL,
    "kind" "job_kind" NOT NULL,
    "state" "job_state" NOT NULL DEFAULT 'PENDING',
    "feed_id" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "requested_by" TEXT NOT NULL,
    "requested_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "planned_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "cancel_requested_at" TIMESTAMPTZ(3),
    "error" TEXT,

    CONSTRAINT "job_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "job_feed_id_id_idx" ON "job"("feed_id", "id" DESC);

-- A chunk's entry exists before its commit. Order of commits and order of ids are therefore two things from here on;
-- so far they were one.
ALTER TABLE "ledger_entry"
    ADD COLUMN "commit_id" BIGINT,
    ADD COLUMN "job_id" BIGINT,
    ADD COLUMN "origin_id" BIGINT,
    ADD COLUMN "published_at" TIMESTAMPTZ(3),
    ALTER COLUMN "checksum" DROP NOT NULL,
    ALTER COLUMN "started_at" DROP NOT NULL,
    ALTER COLUMN "bytes" SET DEFAULT 0,
    ALTER COLUMN "rows_in" SET DEFAULT 0,
    ALTER COLUMN "rows_written" SET DEFAULT 0,
    ALTER COLUMN "rows_unchanged" SET DEFAULT 0,
    ALTER COLUMN "rows_revised" SET DEFAULT 0,
    ALTER COLUMN "rows_rejected" SET DEFAULT 0;
UPDATE "ledger_entry" SET "commit_id" = "id";
DROP INDEX "ledger_entry_feed_id_partition_id_idx";
CREATE INDEX "ledger_entry_feed_id_partition_commit_id_idx" ON "ledger_entry"("feed_id", "partition", "commit_id");
CREATE INDEX "ledger_entry_feed_id_checksum_idx" ON "ledger_entry"("feed_id", "checksum");
CREATE INDEX "ledger_entry_job_id_state_idx" ON "ledger_entry"("job_id", "state");
ALTER TABLE "ledger_entry" ADD CONSTRAINT "ledger_entry_job_id_fkey" FOREIGN KEY ("job_id") REFERENCES "job"("id") ON DELETE SET NULL ON UPDATE CASCADE;

CREATE TABLE "raw_payload" (
    "feed_id" TEXT NOT NULL,
    "checksum" BYTEA NOT NULL,
    "name" TEXT NOT NULL,
    "encoding" TEXT NOT NULL,
    "bytes" BYTEA NOT NULL,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "raw_payload_pkey" PRIMARY KEY ("feed_id","checksum")
);
CREATE INDEX "raw_payload_received_at_idx" ON "raw_payload"("received_at");
-- Compressed already: Postgres need not try again.
ALTER TABLE "raw_payload" ALTER COLUMN "bytes" SET STORAGE EXTERNAL;

ALTER TABLE "dead_letter"
    ADD COLUMN "form" "dead_letter_form" NOT NULL DEFAULT 'PAYLOAD',
    ADD COLUMN "name" TEXT NOT NULL DEFAULT '',
    ADD COLUMN "published_at" TIMESTAMPTZ(3),
    ADD COLUMN "published_seq" BIGINT NOT NULL DEFAULT 0,
    ADD COLUMN "retries" INTEGER NOT NULL DEFAULT 0,
    ADD COLUMN "retry_id" BIGINT,
    ADD COLUMN "resolved_at" TIMESTAMPTZ(3),
    ADD COLUMN "resolution" TEXT;
-- Of a topic's record the feed's id is the topic, and its offset told versions apart.
UPDATE "dead_letter" SET "name" = "feed_id", "published_seq" = coalesce("position", 0);
CREATE INDEX "dead_letter_feed_id_state_idx" ON "dead_letter"("feed_id", "state");
CREATE INDEX "dead_letter_retry_id_idx" ON "dead_letter"("retry_id");

ALTER TABLE "feed" ADD COLUMN "streams" JSONB NOT NULL DEFAULT '{}';

CREATE TABLE "feed_expectation" (
    "feed_id" TEXT NOT NULL,
    "partition" TEXT NOT NULL,
    "run" "market_run" NOT NULL,
    "market_id" TEXT NOT NULL,
    "nodes" TEXT[],
    "interval_ms" INTEGER NOT NULL,
    "due_ms" INTEGER NOT NULL,

    CONSTRAINT "feed_expectation_pkey" PRIMARY KEY ("feed_id","partition")
);
ALTER TABLE "feed_expectation" ADD CONSTRAINT "feed_expectation_feed_id_fkey" FOREIGN KEY ("feed_id") REFERENCES "feed"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "source_pace" (
    "source" TEXT NOT NULL,
    "next_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "source_pace_pkey" PRIMARY KEY ("source")
);

CREATE TABLE "audit_entry" (
    "id" BIGSERIAL NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "actor" TEXT NOT NULL,
    "via" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "input" JSONB NOT NULL,
    "outcome" "audit_outcome" NOT NULL,
    "error" TEXT,
    "job_id" BIGINT,

    CONSTRAINT "audit_entry_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "audit_entry_at_idx" ON "audit_entry"("at");

CREATE FUNCTION audit_entry_is_final() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_entry_is_final BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_is_final();

-- A preliminary and a final price of the same values are two versions (bit 32 of quality is PRELIMINARY).
DROP TRIGGER lmp_keep_superseded ON lmp;
CREATE TRIGGER lmp_keep_superseded AFTER UPDATE ON lmp FOR EACH ROW
  WHEN ((OLD.lmp, OLD.energy, OLD.congestion, OLD.loss, OLD.ghg, OLD.interval_end, OLD.quality & 32)
        IS DISTINCT FROM (NEW.lmp, NEW.energy, NEW.congestion, NEW.loss, NEW.ghg, NEW.interval_end, NEW.quality & 32))
  EXECUTE FUNCTION lmp_keep_superseded();
