-- Where the server's clock was set back, records that lay ahead of it are found by the time it has now. Whoever reads one, again or
-- for the first time, is told the time that it was given when it was appended: versions are ordered by it.
ALTER TABLE "log_record" ADD COLUMN "told_at" TIMESTAMPTZ(3);
