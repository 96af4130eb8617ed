-- What Prisma cannot say about the store, on TimescaleDB and on plain Postgres alike:
-- the history trigger, hypertables, compression, retention, and the rollups lmp_hour and lmp_day.

-- A price is never overwritten silently, whoever runs the UPDATE: the superseded version goes to lmp_revision in the
-- same statement. On the way of a new price it costs nothing, since it fires on updates only.
CREATE FUNCTION lmp_keep_superseded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO lmp_revision (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, ghg,
                            quality, revision, published_at, published_seq, recorded_at, ledger_id, superseded_at)
  VALUES (OLD.node_id, OLD.run, OLD.interval_start, OLD.interval_end, OLD.operating_day, OLD.lmp, OLD.energy,
          OLD.congestion, OLD.loss, OLD.ghg, OLD.quality, OLD.revision, OLD.published_at, OLD.published_seq,
          OLD.recorded_at, OLD.ledger_id, NEW.recorded_at)
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END $$;

DO $$
DECLARE
  timescale boolean := EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb');
  -- The weight of a price is the length of its interval in seconds, exact in binary; a tick without length weighs 1.
  weight text := 'CASE WHEN interval_end > interval_start THEN extract(epoch FROM interval_end - interval_start)::float8 ELSE 1 END';
  -- %1$s: hour bucket, %2$s and %3$s: first and last price of a bucket.
  hour_rollup text := 'SELECT node_id, run, %1$s AS bucket, operating_day,
      count(*) AS samples,
      sum(' || weight || ') AS weight,
      sum(lmp * (' || weight || ')) AS lmp_sum,
      sum(energy * (' || weight || ')) AS energy_sum, sum(' || weight || ') FILTER (WHERE energy IS NOT NULL) AS energy_weight,
      sum(congestion * (' || weight || ')) AS congestion_sum, sum(' || weight || ') FILTER (WHERE congestion IS NOT NULL) AS congestion_weight,
      sum(loss * (' || weight || ')) AS loss_sum, sum(' || weight || ') FILTER (WHERE loss IS NOT NULL) AS loss_weight,
      min(lmp) AS lmp_min, max(lmp) AS lmp_max, %2$s AS lmp_open, %3$s AS lmp_close
    FROM lmp GROUP BY node_id, run, 3, operating_day';
  -- %1$s: day bucket (UTC). A market's day spans two of them; operating_day tells which part belongs to which day.
  day_rollup text := 'SELECT node_id, run, %1$s AS bucket, operating_day,
      sum(samples) AS samples, sum(weight) AS weight, sum(lmp_sum) AS lmp_sum,
      sum(energy_sum) AS energy_sum, sum(energy_weight) AS energy_weight,
      sum(congestion_sum) AS congestion_sum, sum(congestion_weight) AS congestion_weight,
      sum(loss_sum) AS loss_sum, sum(loss_weight) AS loss_weight,
      min(lmp_min) AS lmp_min, max(lmp_max) AS lmp_max, %2$s AS lmp_open, %3$s AS lmp_close
    FROM lmp_hour GROUP BY node_id, run, 3, operating_day';
BEGIN
  IF timescale THEN
    CREATE EXTENSION IF NOT EXISTS timescaledb;
    PERFORM create_hypertable('lmp', by_range('interval_start', INTERVAL '7 days'));
    PERFORM create_hypertable('lmp_revision', by_range('interval_start', INTERVAL '30 days'));

    EXECUTE 'CREATE MATERIALIZED VIEW lmp_hour WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS '
      || format(hour_rollup, 'time_bucket(INTERVAL ''1 hour'', interval_start)', 'first(lmp, interval_start)', 'last(lmp, interval_start)')
      || ' WITH NO DATA';
    EXECUTE 'CREATE MATERIALIZED VIEW lmp_day WITH (timescaledb.continuous, timescaledb.materialized_only = false) AS '
      || format(day_rollup, 'time_bucket(INTERVAL ''1 day'', bucket)', 'first(lmp_open, bucket)', 'last(lmp_close, bucket)')
      || ' WITH NO DATA';
    -- Without a start offset a late correction is folded in however old it is.
    PERFORM add_continuous_aggregate_policy('lmp_hour', start_offset => NULL, end_offset => INTERVAL '2 hours', schedule_interval => INTERVAL '15 minutes');
    PERFORM add_continuous_aggregate_policy('lmp_day', start_offset => NULL, end_offset => INTERVAL '2 days', schedule_interval => INTERVAL '1 hour');

    -- Compressed only past the correction horizon: the operators correct prices for weeks.
    EXECUTE 'ALTER TABLE lmp SET (timescaledb.compress, timescaledb.compress_segmentby = ''node_id, run'', timescaledb.compress_orderby = ''interval_start'')';
    PERFORM add_compression_policy('lmp', INTERVAL '90 days');
    PERFORM add_retention_policy('lmp', INTERVAL '10 years');
    PERFORM add_retention_policy('lmp_revision', INTERVAL '10 years');
  ELSE
    EXECUTE 'CREATE VIEW lmp_hour AS '
      || format(hour_rollup, 'date_bin(INTERVAL ''1 hour'', interval_start, TIMESTAMPTZ ''2000-01-01 00:00:00+00'')',
                '(array_agg(lmp ORDER BY interval_start))[1]', '(array_agg(lmp ORDER BY interval_start DESC))[1]');
    EXECUTE 'CREATE VIEW lmp_day AS '
      || format(day_rollup, 'date_bin(INTERVAL ''1 day'', bucket, TIMESTAMPTZ ''2000-01-01 00:00:00+00'')',
                '(array_agg(lmp_open ORDER BY bucket))[1]', '(array_agg(lmp_close ORDER BY bucket DESC))[1]');
  END IF;
END $$;

-- After the hypertable, so that its chunks inherit it.
CREATE TRIGGER lmp_keep_superseded AFTER UPDATE ON lmp FOR EACH ROW
  WHEN ((OLD.lmp, OLD.energy, OLD.congestion, OLD.loss, OLD.ghg, OLD.interval_end)
        IS DISTINCT FROM (NEW.lmp, NEW.energy, NEW.congestion, NEW.loss, NEW.ghg, NEW.interval_end))
  EXECUTE FUNCTION lmp_keep_superseded();

-- A fact table without updates seldom crosses the default vacuum thresholds in time; the visibility map keeps index-only reads fast.
ALTER TABLE log_record SET (autovacuum_vacuum_insert_scale_factor = 0.5);
