-- Errors are of forecasts that stood when their price came: for that a state keeps when the price was published that was scored last.
-- What was counted until now was also of forecasts that nobody made, and cannot be told apart: errors begin anew, what is forecast stays.
-- A state whose last price is of a time to come would keep out every price until then: it goes, and its series begins with its
-- newest prices when the next one comes.
DELETE FROM "forecast_state"
WHERE "run" NOT IN ('DAY_AHEAD_HOURLY', 'HOUR_AHEAD_15_MIN') AND "last_at" > now() + INTERVAL '1 hour';

ALTER TABLE "forecast_state" ADD COLUMN "published_at" TIMESTAMPTZ(3);
UPDATE "forecast_state" AS s SET
  "errors" = jsonb_build_object('SMA_5', none, 'SMA_20', none, 'NEXT_VALUE', none, 'EWMA', none),
  "published_at" = coalesce(
    (SELECT least(l."published_at", l."recorded_at") FROM "lmp" AS l
     WHERE l."node_id" = s."node_id" AND l."run" = s."run" AND l."interval_start" = s."last_at"),
    now())
FROM (SELECT '{"count": 0, "sum": 0, "absolute": 0, "squared": 0}'::jsonb AS none) AS errors;
ALTER TABLE "forecast_state" ALTER COLUMN "published_at" SET NOT NULL;
