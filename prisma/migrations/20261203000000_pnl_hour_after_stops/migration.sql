-- Hours of PnL are materialised however long everything stood still. The policy looked back three days: after a longer stop the line
-- up to which `pnl_hour` is materialised went past the last hours before the stop, which were neither materialised nor read from the
-- snapshots. A year is less than the two for which snapshots are kept (no setting shortens them): a refresh that reaches further than
-- they do would take away hours that the rollup keeps. What was left out is still noted as such, and the first run of the policy,
-- which is at once, materialises what of it lies within the year; a refresh cannot run in a migration's transaction.
-- `lmp_hour` and `lmp_day` look back without end already.
DO $$
BEGIN
  IF EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb') THEN
    PERFORM remove_continuous_aggregate_policy('pnl_hour', if_exists => true);
    PERFORM add_continuous_aggregate_policy('pnl_hour', start_offset => INTERVAL '1 year', end_offset => INTERVAL '2 hours', schedule_interval => INTERVAL '15 minutes');
  END IF;
END $$;
