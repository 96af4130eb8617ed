-- Trades, the positions that follow from them, what these were worth, and forecasts of prices.

CREATE TYPE "cost_method" AS ENUM ('AVERAGE_COST', 'FIFO');
CREATE TYPE "trade_side" AS ENUM ('BUY', 'SELL');
CREATE TYPE "trade_status" AS ENUM ('ACTIVE', 'CANCELLED');
CREATE TYPE "snapshot_cause" AS ENUM ('TRADE', 'CADENCE');

-- Names are compared by code point wherever their order decides something: trades of one instant are counted by id.
CREATE TABLE "account" (
    "id" TEXT COLLATE "C" NOT NULL,
    "cost_method" "cost_method" NOT NULL DEFAULT 'AVERAGE_COST',
    "first_seen" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "trade" (
    "trade_id" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "ts" TIMESTAMPTZ(3) NOT NULL,
    "account" TEXT COLLATE "C" NOT NULL,
    "node_id" INTEGER NOT NULL,
    "side" "trade_side" NOT NULL,
    "mw" DECIMAL NOT NULL,
    "price" DECIMAL NOT NULL,
    "minutes" INTEGER NOT NULL,
    "status" "trade_status" NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,

    CONSTRAINT "trade_pkey" PRIMARY KEY ("trade_id","version","ts")
);
CREATE INDEX "trade_account_node_id_ts_trade_id_idx" ON "trade"("account", "node_id", "ts", "trade_id");
CREATE INDEX "trade_account_ts_trade_id_idx" ON "trade"("account", "ts", "trade_id");
CREATE INDEX "trade_node_id_ts_trade_id_idx" ON "trade"("node_id", "ts", "trade_id");
CREATE INDEX "trade_ts_trade_id_idx" ON "trade"("ts", "trade_id");
CREATE INDEX "trade_ledger_id_brin" ON "trade" USING BRIN ("ledger_id");

-- Which version of a trade counts. A table of its own: a hypertable can have no key without its time, and an amendment
-- may change the time.
CREATE TABLE "trade_head" (
    "trade_id" TEXT COLLATE "C" NOT NULL,
    "version" INTEGER NOT NULL,
    "ts" TIMESTAMPTZ(3) NOT NULL,
    "account" TEXT COLLATE "C" NOT NULL,
    "node_id" INTEGER NOT NULL,
    "status" "trade_status" NOT NULL,

    CONSTRAINT "trade_head_pkey" PRIMARY KEY ("trade_id")
);

CREATE TABLE "position" (
    "account" TEXT COLLATE "C" NOT NULL,
    "node_id" INTEGER NOT NULL,
    "seq" BIGINT NOT NULL DEFAULT 0,
    "method" "cost_method" NOT NULL,
    "quantity" DECIMAL NOT NULL DEFAULT 0,
    "cost" DECIMAL NOT NULL DEFAULT 0,
    "realized" DECIMAL NOT NULL DEFAULT 0,
    "lots" JSONB,
    "trades" INTEGER NOT NULL DEFAULT 0,
    "last_ts" TIMESTAMPTZ(3),
    "last_trade_id" TEXT COLLATE "C",
    "recorded_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "ledger_id" BIGINT NOT NULL DEFAULT 0,

    CONSTRAINT "position_pkey" PRIMARY KEY ("account","node_id")
);
CREATE INDEX "position_node_id_idx" ON "position"("node_id");
CREATE INDEX "position_ledger_id_idx" ON "position"("ledger_id");

-- Positions as they stood after each thousandth trade, so that a trade that comes late, or is amended, costs the working
-- out of a thousand trades anew and not of all.
CREATE TABLE "position_checkpoint" (
    "account" TEXT COLLATE "C" NOT NULL,
    "node_id" INTEGER NOT NULL,
    "last_ts" TIMESTAMPTZ(3) NOT NULL,
    "last_trade_id" TEXT COLLATE "C" NOT NULL,
    "state" JSONB NOT NULL,

    CONSTRAINT "position_checkpoint_pkey" PRIMARY KEY ("account","node_id","last_ts","last_trade_id")
);

CREATE TABLE "positions_pnl" (
    "account" TEXT COLLATE "C" NOT NULL,
    "node_id" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "seq" BIGINT NOT NULL,
    "cause" "snapshot_cause" NOT NULL,
    "position_mw" DECIMAL NOT NULL,
    "avg_price" DECIMAL NOT NULL,
    "last_price" DECIMAL,
    "realized_pnl" DECIMAL NOT NULL,
    "unrealized_pnl" DECIMAL,
    "total_pnl" DECIMAL,

    CONSTRAINT "positions_pnl_pkey" PRIMARY KEY ("account","node_id","at","seq")
);

CREATE TABLE "price_exposure" (
    "account" TEXT COLLATE "C" NOT NULL,
    "node_id" INTEGER NOT NULL,
    "at" TIMESTAMPTZ(6) NOT NULL,
    "seq" BIGINT NOT NULL,
    "cause" "snapshot_cause" NOT NULL,
    "position_mw" DECIMAL NOT NULL,
    "last_price" DECIMAL,
    "pnl01" DECIMAL NOT NULL,
    "notional" DECIMAL,

    CONSTRAINT "price_exposure_pkey" PRIMARY KEY ("account","node_id","at","seq")
);

CREATE TABLE "forecast" (
    "node_id" INTEGER NOT NULL,
    "run" "market_run" NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "last_price" DOUBLE PRECISION NOT NULL,
    "sma_5" DOUBLE PRECISION,
    "sma_20" DOUBLE PRECISION,
    "next_value" DOUBLE PRECISION,
    "ewma" DOUBLE PRECISION NOT NULL,
    "ledger_id" BIGINT NOT NULL,

    CONSTRAINT "forecast_pkey" PRIMARY KEY ("node_id","run","last_at")
);
CREATE INDEX "forecast_ledger_id_brin" ON "forecast" USING BRIN ("ledger_id");

CREATE TABLE "forecast_state" (
    "node_id" INTEGER NOT NULL,
    "run" "market_run" NOT NULL,
    "last_at" TIMESTAMPTZ(3) NOT NULL,
    "prices" DOUBLE PRECISION[],
    "ewma" DOUBLE PRECISION NOT NULL,
    "errors" JSONB NOT NULL,
    "ledger_id" BIGINT NOT NULL,

    CONSTRAINT "forecast_state_pkey" PRIMARY KEY ("node_id","run")
);
CREATE INDEX "forecast_state_ledger_id_idx" ON "forecast_state"("ledger_id");

-- How far a processor has followed the commits of a partition.
CREATE TABLE "processor_position" (
    "processor" TEXT NOT NULL,
    "feed_id" TEXT NOT NULL,
    "partition" TEXT NOT NULL,
    "commit_id" BIGINT NOT NULL,

    CONSTRAINT "processor_position_pkey" PRIMARY KEY ("processor","feed_id","partition")
);

DO $$
DECLARE
  timescale boolean := EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb');
  -- Days are made of hours: a market's day is not the day of UTC. %1$s: bucket, %2$s and %3$s: the first and the last of a bucket, by the instant of the snapshot.
  rollup text := 'SELECT account, node_id, %1$s AS bucket, count(*) AS snapshots,
      %2$s AS total_open, max(total_pnl) AS total_max, min(total_pnl) AS total_min, %3$s FROM %4$s GROUP BY account, node_id, 3';
  closes text[] := ARRAY['total_pnl', 'realized_pnl', 'unrealized_pnl', 'position_mw', 'last_price'];
  close text;
  latest text := '';
BEGIN
  FOREACH close IN ARRAY closes LOOP
    latest := latest || CASE WHEN latest = '' THEN '' ELSE ', ' END || CASE WHEN timescale
      THEN format('last(%1$I, at) AS %1$I', close)
      ELSE format('(array_agg(%1$I ORDER BY at DESC))[1] AS %1$I', close) END;
  END LOOP;
  IF timescale THEN
    PERFORM create_hypertable('trade', by_range('ts', INTERVAL '30 days'));
    PERFORM create_hypertable('positions_pnl', by_range('at', INTERVAL '1 day'));
    PERFORM create_hypertable('price_exposure', by_range('at', INTERVAL '1 day'));
    PERFORM create_hypertable('forecast', by_range('last_at', INTERVAL '7 days'));
    EXECUTE 'CREATE MATERIALIZED VIEW pnl_hour WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS '
      || format(rollup, 'time_bucket(INTERVAL ''1 hour'', at)', 'first(total_pnl, at)', latest, 'positions_pnl') || ' WITH NO DATA';
    -- A snapshot is of its moment and never late: what is older than an hour no longer changes.
    PERFORM add_continuous_aggregate_policy('pnl_hour', start_offset => INTERVAL '3 days', end_offset => INTERVAL '2 hours', schedule_interval => INTERVAL '15 minutes');
    EXECUTE 'ALTER TABLE positions_pnl SET (timescaledb.compress, timescaledb.compress_segmentby = ''account, node_id'', timescaledb.compress_orderby = ''at, seq'')';
    EXECUTE 'ALTER TABLE price_exposure SET (timescaledb.compress, timescaledb.compress_segmentby = ''account, node_id'', timescaledb.compress_orderby = ''at, seq'')';
    PERFORM add_compression_policy('positions_pnl', INTERVAL '7 days');
    PERFORM add_compression_policy('price_exposure', INTERVAL '7 days');
    PERFORM add_retention_policy('positions_pnl', INTERVAL '2 years');
    PERFORM add_retention_policy('price_exposure', INTERVAL '2 years');
    PERFORM add_retention_policy('forecast', INTERVAL '2 years');
  ELSE
    EXECUTE 'CREATE VIEW pnl_hour AS '
      || format(rollup, 'date_bin(INTERVAL ''1 hour'', at, TIMESTAMPTZ ''2000-01-01 00:00:00+00'')', '(array_agg(total_pnl ORDER BY at))[1]', latest, 'positions_pnl');
  END IF;
END $$;
