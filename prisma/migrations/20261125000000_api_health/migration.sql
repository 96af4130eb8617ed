-- Calls to the sources, and the alerts that follow from them.

CREATE TYPE "call_outcome" AS ENUM ('OK', 'NO_DATA', 'THROTTLED', 'AUTH', 'REFUSED', 'MALFORMED', 'TIMEOUT', 'SERVER_ERROR', 'NETWORK');
CREATE TYPE "api_alert_kind" AS ENUM ('DOWN', 'SLOW', 'AUTH');

-- The key makes a call that is written again, since nobody heard of its commit, one call.
CREATE TABLE "api_health_logs" (
    "called_at" TIMESTAMPTZ(3) NOT NULL,
    "process" TEXT COLLATE "C" NOT NULL,
    "seq" BIGINT NOT NULL,
    "source" TEXT COLLATE "C" NOT NULL,
    "endpoint" TEXT COLLATE "C" NOT NULL,
    "outcome" "call_outcome" NOT NULL,
    "status" SMALLINT,
    "latency_ms" DOUBLE PRECISION NOT NULL,
    "bytes" BIGINT NOT NULL,
    "error" TEXT,

    CONSTRAINT "api_health_logs_pkey" PRIMARY KEY ("called_at","process","seq")
);
CREATE INDEX "api_health_logs_source_endpoint_called_at_idx" ON "api_health_logs"("source", "endpoint", "called_at");

CREATE TABLE "api_alert" (
    "id" BIGSERIAL NOT NULL,
    "source" TEXT COLLATE "C" NOT NULL,
    "endpoint" TEXT COLLATE "C",
    "kind" "api_alert_kind" NOT NULL,
    "opened_at" TIMESTAMPTZ(3) NOT NULL,
    "closed_at" TIMESTAMPTZ(3),
    "detail" TEXT NOT NULL,

    CONSTRAINT "api_alert_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "api_alert_source_idx" ON "api_alert"("source") WHERE (closed_at IS NULL);

DO $$
BEGIN
  -- What API_HEALTH_DAYS says is deleted row by row; the policy takes the empty chunks, behind the most it can say.
  IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb') THEN
    PERFORM create_hypertable('api_health_logs', by_range('called_at', INTERVAL '7 days'));
    PERFORM add_retention_policy('api_health_logs', INTERVAL '366 days');
  END IF;
END $$;
