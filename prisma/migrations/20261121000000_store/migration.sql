-- CreateSchema
CREATE SCHEMA IF NOT EXISTS "public";

-- CreateEnum
CREATE TYPE "market_run" AS ENUM ('DAY_AHEAD_HOURLY', 'HOUR_AHEAD_15_MIN', 'REAL_TIME_5_MIN', 'REAL_TIME_15_MIN', 'REAL_TIME_HOURLY', 'SPOT');

-- CreateEnum
CREATE TYPE "ledger_kind" AS ENUM ('BATCH', 'FETCH', 'FILE', 'BACKFILL', 'REPLAY');

-- CreateEnum
CREATE TYPE "ledger_state" AS ENUM ('PENDING', 'RUNNING', 'COMPLETED', 'FAILED', 'REPLAYING');

-- CreateEnum
CREATE TYPE "dead_letter_state" AS ENUM ('OPEN', 'RETRIED', 'DISCARDED');

-- CreateTable
CREATE TABLE "market" (
    "id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "operator" TEXT NOT NULL,
    "time_zone" TEXT NOT NULL,
    "currency" TEXT NOT NULL,

    CONSTRAINT "market_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "pricing_node" (
    "id" SERIAL NOT NULL,
    "market_id" TEXT NOT NULL,
    "name" TEXT NOT NULL,
    "first_seen" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "pricing_node_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "pricing_node_version" (
    "node_id" INTEGER NOT NULL,
    "valid_from" TIMESTAMPTZ(3) NOT NULL,
    "valid_to" TIMESTAMPTZ(3),
    "kind" TEXT,
    "zone" TEXT,
    "title" TEXT,

    CONSTRAINT "pricing_node_version_pkey" PRIMARY KEY ("node_id","valid_from")
);

-- CreateTable
CREATE TABLE "lmp" (
    "node_id" INTEGER NOT NULL,
    "run" "market_run" NOT NULL,
    "interval_start" TIMESTAMPTZ(3) NOT NULL,
    "interval_end" TIMESTAMPTZ(3) NOT NULL,
    "operating_day" DATE NOT NULL,
    "lmp" DOUBLE PRECISION NOT NULL,
    "energy" DOUBLE PRECISION,
    "congestion" DOUBLE PRECISION,
    "loss" DOUBLE PRECISION,
    "ghg" DOUBLE PRECISION,
    "quality" INTEGER NOT NULL DEFAULT 0,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "published_seq" BIGINT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,

    CONSTRAINT "lmp_pkey" PRIMARY KEY ("node_id","run","interval_start")
);

-- CreateTable
CREATE TABLE "lmp_revision" (
    "node_id" INTEGER NOT NULL,
    "run" "market_run" NOT NULL,
    "interval_start" TIMESTAMPTZ(3) NOT NULL,
    "interval_end" TIMESTAMPTZ(3) NOT NULL,
    "operating_day" DATE NOT NULL,
    "lmp" DOUBLE PRECISION NOT NULL,
    "energy" DOUBLE PRECISION,
    "congestion" DOUBLE PRECISION,
    "loss" DOUBLE PRECISION,
    "ghg" DOUBLE PRECISION,
    "quality" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "published_seq" BIGINT NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,
    "superseded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "lmp_revision_pkey" PRIMARY KEY ("node_id","run","interval_start","revision","published_at","published_seq","ledger_id")
);

-- CreateTable
CREATE TABLE "ledger_entry" (
    "id" BIGSERIAL NOT NULL,
    "feed_id" TEXT NOT NULL,
    "partition" TEXT NOT NULL,
    "kind" "ledger_kind" NOT NULL,
    "state" "ledger_state" NOT NULL,
    "position_from" BIGINT,
    "position_to" BIGINT,
    "request" TEXT,
    "checksum" BYTEA NOT NULL,
    "bytes" BIGINT NOT NULL,
    "rows_in" INTEGER NOT NULL,
    "rows_written" INTEGER NOT NULL,
    "rows_unchanged" INTEGER NOT NULL,
    "rows_revised" INTEGER NOT NULL,
    "rows_rejected" INTEGER NOT NULL,
    "event_from" TIMESTAMPTZ(3),
    "event_to" TIMESTAMPTZ(3),
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "finished_at" TIMESTAMPTZ(3),
    "error" TEXT,
    "attempt" INTEGER NOT NULL DEFAULT 1,

    CONSTRAINT "ledger_entry_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "feed" (
    "id" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "kind" TEXT NOT NULL,

    CONSTRAINT "feed_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "feed_position" (
    "feed_id" TEXT NOT NULL,
    "partition" TEXT NOT NULL,
    "position" BIGINT,
    "epoch" BIGINT NOT NULL DEFAULT 0,
    "owner" TEXT,
    "last_ledger_id" BIGINT NOT NULL DEFAULT 0,
    "announced_ledger_id" BIGINT NOT NULL DEFAULT 0,
    "watermark" TIMESTAMPTZ(3),
    "lag" BIGINT,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_error" TEXT,
    "last_error_at" TIMESTAMPTZ(3),

    CONSTRAINT "feed_position_pkey" PRIMARY KEY ("feed_id","partition")
);

-- CreateTable
CREATE TABLE "dead_letter" (
    "id" BIGSERIAL NOT NULL,
    "feed_id" TEXT NOT NULL,
    "partition" TEXT NOT NULL,
    "position" BIGINT,
    "ledger_id" BIGINT NOT NULL,
    "code" TEXT NOT NULL,
    "reason" TEXT NOT NULL,
    "raw" BYTEA NOT NULL,
    "state" "dead_letter_state" NOT NULL DEFAULT 'OPEN',
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "dead_letter_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "log_topic" (
    "topic" TEXT NOT NULL,
    "partitions" INTEGER NOT NULL,
    "retention_ms" BIGINT NOT NULL,
    "record_bytes_max" INTEGER NOT NULL,

    CONSTRAINT "log_topic_pkey" PRIMARY KEY ("topic")
);

-- CreateTable
CREATE TABLE "log_partition" (
    "topic" TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "low_offset" BIGINT NOT NULL DEFAULT 0,
    "next_offset" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "log_partition_pkey" PRIMARY KEY ("topic","partition")
);

-- CreateTable
CREATE TABLE "log_record" (
    "topic" TEXT NOT NULL,
    "partition" INTEGER NOT NULL,
    "offset" BIGINT NOT NULL,
    "appended_at" TIMESTAMPTZ(3) NOT NULL,
    "key" BYTEA,
    "value" BYTEA,
    "headers" JSONB,

    CONSTRAINT "log_record_pkey" PRIMARY KEY ("topic","partition","offset")
);

-- CreateIndex
CREATE UNIQUE INDEX "pricing_node_market_id_name_key" ON "pricing_node"("market_id", "name");

-- CreateIndex
CREATE INDEX "lmp_ledger_id_brin" ON "lmp" USING BRIN ("ledger_id");

-- CreateIndex
CREATE INDEX "lmp_revision_ledger_id_idx" ON "lmp_revision"("ledger_id");

-- CreateIndex
CREATE INDEX "ledger_entry_feed_id_id_idx" ON "ledger_entry"("feed_id", "id" DESC);

-- CreateIndex
CREATE INDEX "ledger_entry_feed_id_partition_id_idx" ON "ledger_entry"("feed_id", "partition", "id");

-- CreateIndex
CREATE INDEX "dead_letter_feed_id_id_idx" ON "dead_letter"("feed_id", "id" DESC);

-- CreateIndex
CREATE INDEX "dead_letter_ledger_id_idx" ON "dead_letter"("ledger_id");

-- CreateIndex
CREATE INDEX "log_record_topic_partition_appended_at_idx" ON "log_record"("topic", "partition", "appended_at");

-- AddForeignKey
ALTER TABLE "pricing_node" ADD CONSTRAINT "pricing_node_market_id_fkey" FOREIGN KEY ("market_id") REFERENCES "market"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "pricing_node_version" ADD CONSTRAINT "pricing_node_version_node_id_fkey" FOREIGN KEY ("node_id") REFERENCES "pricing_node"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "dead_letter" ADD CONSTRAINT "dead_letter_ledger_id_fkey" FOREIGN KEY ("ledger_id") REFERENCES "ledger_entry"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

