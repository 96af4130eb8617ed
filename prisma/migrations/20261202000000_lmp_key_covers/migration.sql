-- The key of a price says what the price is: a series is read from the index alone, where its prices stand side by side. In the
-- table they stand one on each page, since all nodes of an interval come together.
DO $$
DECLARE
  timescale boolean := EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb');
BEGIN
  -- A hypertable's key cannot be changed while it is told to compress. What was compressed is compressed again by the policy.
  IF timescale THEN
    PERFORM remove_compression_policy('lmp', if_exists => true);
    PERFORM decompress_chunk(chunk, if_compressed => true) FROM show_chunks('lmp') AS chunk;
    ALTER TABLE lmp SET (timescaledb.compress = false);
  END IF;

  ALTER TABLE lmp DROP CONSTRAINT lmp_pkey;
  ALTER TABLE lmp ADD CONSTRAINT lmp_pkey PRIMARY KEY (node_id, run, interval_start)
    INCLUDE (interval_end, operating_day, lmp, energy, congestion, loss);

  IF timescale THEN
    ALTER TABLE lmp SET (timescaledb.compress, timescaledb.compress_segmentby = 'node_id, run', timescaledb.compress_orderby = 'interval_start');
    PERFORM add_compression_policy('lmp', INTERVAL '90 days');
  END IF;
END $$;
