-- Facts without a pricing node: prices of retail tariffs, what power plants tell of themselves, ripple control signals.

CREATE TYPE "tariff_type" AS ENUM ('grid', 'electricity', 'integrated', 'grid_usage');
CREATE TYPE "plant_state" AS ENUM ('RUNNING', 'STOPPED', 'MAINTENANCE', 'OTHER');

-- Names are compared by code point: answers are ordered by them, and the order must not depend on the server's language.
CREATE TABLE "energy_prices" (
    "provider" TEXT COLLATE "C" NOT NULL,
    "tariff_name" TEXT COLLATE "C" NOT NULL,
    "tariff_type" "tariff_type" NOT NULL,
    "interval_start" TIMESTAMPTZ(3) NOT NULL,
    "interval_end" TIMESTAMPTZ(3) NOT NULL,
    "value" DECIMAL NOT NULL,
    "unit" TEXT NOT NULL,
    "quality" INTEGER NOT NULL DEFAULT 0,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "confirmed_at" TIMESTAMPTZ(3),
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,

    CONSTRAINT "energy_prices_pkey" PRIMARY KEY ("provider","tariff_name","tariff_type","interval_start")
);
CREATE INDEX "energy_prices_provider_interval_start_idx" ON "energy_prices"("provider", "interval_start");
CREATE INDEX "energy_prices_ledger_id_brin" ON "energy_prices" USING BRIN ("ledger_id");

CREATE TABLE "energy_prices_revision" (
    "provider" TEXT COLLATE "C" NOT NULL,
    "tariff_name" TEXT COLLATE "C" NOT NULL,
    "tariff_type" "tariff_type" NOT NULL,
    "interval_start" TIMESTAMPTZ(3) NOT NULL,
    "interval_end" TIMESTAMPTZ(3) NOT NULL,
    "value" DECIMAL NOT NULL,
    "unit" TEXT NOT NULL,
    "quality" INTEGER NOT NULL,
    "revision" INTEGER NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,
    "superseded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "energy_prices_revision_pkey" PRIMARY KEY ("provider","tariff_name","tariff_type","interval_start","revision","published_at","ledger_id")
);
CREATE INDEX "energy_prices_revision_provider_interval_start_idx" ON "energy_prices_revision"("provider", "interval_start");

CREATE TABLE "plant_status" (
    "plant" TEXT COLLATE "C" NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "state" "plant_state" NOT NULL,
    "raw_state" TEXT NOT NULL,
    "voltage_kv" DOUBLE PRECISION,
    "active_mw" DOUBLE PRECISION,
    "reactive_mvar" DOUBLE PRECISION,
    "wind_kmh" DOUBLE PRECISION,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "confirmed_at" TIMESTAMPTZ(3),
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,

    CONSTRAINT "plant_status_pkey" PRIMARY KEY ("plant","at")
);
CREATE INDEX "plant_status_ledger_id_brin" ON "plant_status" USING BRIN ("ledger_id");

CREATE TABLE "plant_status_revision" (
    "plant" TEXT COLLATE "C" NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL,
    "state" "plant_state" NOT NULL,
    "raw_state" TEXT NOT NULL,
    "voltage_kv" DOUBLE PRECISION,
    "active_mw" DOUBLE PRECISION,
    "reactive_mvar" DOUBLE PRECISION,
    "wind_kmh" DOUBLE PRECISION,
    "revision" INTEGER NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,
    "superseded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "plant_status_revision_pkey" PRIMARY KEY ("plant","at","revision","published_at","ledger_id")
);

CREATE TABLE "control_signals" (
    "provider" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "interval_start" TIMESTAMPTZ(3) NOT NULL,
    "interval_end" TIMESTAMPTZ(3) NOT NULL,
    "date" DATE NOT NULL,
    "description" TEXT NOT NULL,
    "revision" INTEGER NOT NULL DEFAULT 1,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "confirmed_at" TIMESTAMPTZ(3),
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,

    CONSTRAINT "control_signals_pkey" PRIMARY KEY ("provider","name","interval_start")
);
CREATE INDEX "control_signals_provider_date_idx" ON "control_signals"("provider", "date");
CREATE INDEX "control_signals_ledger_id_brin" ON "control_signals" USING BRIN ("ledger_id");

CREATE TABLE "control_signals_revision" (
    "provider" TEXT COLLATE "C" NOT NULL,
    "name" TEXT COLLATE "C" NOT NULL,
    "interval_start" TIMESTAMPTZ(3) NOT NULL,
    "interval_end" TIMESTAMPTZ(3) NOT NULL,
    "date" DATE NOT NULL,
    "description" TEXT NOT NULL,
    "revision" INTEGER NOT NULL,
    "published_at" TIMESTAMPTZ(3) NOT NULL,
    "recorded_at" TIMESTAMPTZ(3) NOT NULL,
    "ledger_id" BIGINT NOT NULL,
    "superseded_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "control_signals_revision_pkey" PRIMARY KEY ("provider","name","interval_start","revision","published_at","ledger_id")
);

-- Nothing is overwritten silently, whoever runs the UPDATE: the superseded version goes to the history in the same statement.
CREATE FUNCTION energy_prices_keep_superseded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO energy_prices_revision (provider, tariff_name, tariff_type, interval_start, interval_end, value, unit, quality,
                                      revision, published_at, recorded_at, ledger_id, superseded_at)
  VALUES (OLD.provider, OLD.tariff_name, OLD.tariff_type, OLD.interval_start, OLD.interval_end, OLD.value, OLD.unit,
          OLD.quality, OLD.revision, OLD.published_at, OLD.recorded_at, OLD.ledger_id, NEW.recorded_at)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION plant_status_keep_superseded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO plant_status_revision (plant, at, state, raw_state, voltage_kv, active_mw, reactive_mvar, wind_kmh,
                                     revision, published_at, recorded_at, ledger_id, superseded_at)
  VALUES (OLD.plant, OLD.at, OLD.state, OLD.raw_state, OLD.voltage_kv, OLD.active_mw, OLD.reactive_mvar, OLD.wind_kmh,
          OLD.revision, OLD.published_at, OLD.recorded_at, OLD.ledger_id, NEW.recorded_at)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

CREATE FUNCTION control_signals_keep_superseded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO control_signals_revision (provider, name, interval_start, interval_end, date, description,
                                        revision, published_at, recorded_at, ledger_id, superseded_at)
  VALUES (OLD.provider, OLD.name, OLD.interval_start, OLD.interval_end, OLD.date, OLD.description,
          OLD.revision, OLD.published_at, OLD.recorded_at, OLD.ledger_id, NEW.recorded_at)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

DO $$
BEGIN
  -- A year of a tariff is 140,000 rows, a year of a plant fewer: nothing here is worth compressing. Signals are fewer still.
  IF EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb') THEN
    PERFORM create_hypertable('energy_prices', by_range('interval_start', INTERVAL '90 days'));
    PERFORM create_hypertable('energy_prices_revision', by_range('interval_start', INTERVAL '90 days'));
    PERFORM create_hypertable('plant_status', by_range('at', INTERVAL '90 days'));
    PERFORM create_hypertable('plant_status_revision', by_range('at', INTERVAL '90 days'));
    PERFORM add_retention_policy('energy_prices', INTERVAL '10 years');
    PERFORM add_retention_policy('energy_prices_revision', INTERVAL '10 years');
    PERFORM add_retention_policy('plant_status', INTERVAL '10 years');
    PERFORM add_retention_policy('plant_status_revision', INTERVAL '10 years');
  END IF;
END $$;

-- After the hypertables, so that their chunks inherit them.
CREATE TRIGGER energy_prices_keep_superseded AFTER UPDATE ON energy_prices FOR EACH ROW
  WHEN ((OLD.value, OLD.unit, OLD.interval_end) IS DISTINCT FROM (NEW.value, NEW.unit, NEW.interval_end))
  EXECUTE FUNCTION energy_prices_keep_superseded();
CREATE TRIGGER plant_status_keep_superseded AFTER UPDATE ON plant_status FOR EACH ROW
  WHEN ((OLD.raw_state, OLD.voltage_kv, OLD.active_mw, OLD.reactive_mvar, OLD.wind_kmh)
        IS DISTINCT FROM (NEW.raw_state, NEW.voltage_kv, NEW.active_mw, NEW.reactive_mvar, NEW.wind_kmh))
  EXECUTE FUNCTION plant_status_keep_superseded();
CREATE TRIGGER control_signals_keep_superseded AFTER UPDATE ON control_signals FOR EACH ROW
  WHEN ((OLD.interval_end, OLD.date, OLD.description) IS DISTINCT FROM (NEW.interval_end, NEW.date, NEW.description))
  EXECUTE FUNCTION control_signals_keep_superseded();
