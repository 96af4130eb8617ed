-- What was known of a node, and by whom. A search reads all of it: pg_trgm is not on every store, and without it 200,000
-- versions take 0.3 s.
ALTER TABLE "pricing_node_version"
    ADD COLUMN "aliases" TEXT[] DEFAULT ARRAY[]::TEXT[],
    ADD COLUMN "seen_until" TIMESTAMPTZ(3),
    ADD COLUMN "stated_at" TIMESTAMPTZ(3),
    ADD COLUMN "ledger_id" BIGINT;
