-- CreateTable
CREATE TABLE "read_revision" (
    "family" TEXT NOT NULL,
    "market_id" TEXT NOT NULL,
    "run" "market_run" NOT NULL,
    "day" DATE NOT NULL,
    "feed_id" TEXT NOT NULL,
    "partition" TEXT NOT NULL,
    "n" BIGINT NOT NULL,

    CONSTRAINT "read_revision_pkey" PRIMARY KEY ("family","market_id","run","day","feed_id","partition")
);

-- Each commit rewrites a few rows: with room on their pages the new versions are found by the old index entries, and the old
-- ones are tidied up on the way.
ALTER TABLE "read_revision" SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.5);
