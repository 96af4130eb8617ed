-- Of a position by FIFO only where the open begins is kept: the lots are the later trades of its side. All of them in one
-- value were read and written with every trade, 80 ms at 20,000 lots.

ALTER TABLE "position" ADD COLUMN "oldest_ts" TIMESTAMPTZ(3),
    ADD COLUMN "oldest_trade_id" TEXT COLLATE "C",
    ADD COLUMN "oldest_quantity" DECIMAL;

-- What is open are the newest trades of the side, as many as make up the position: of the first of them only what is left.
UPDATE "position" p
SET "oldest_ts" = o.ts, "oldest_trade_id" = o.trade_id, "oldest_quantity" = sign(p.quantity) * (abs(p.quantity) - o.newer)
FROM (
    SELECT side.account, side.node_id, t.ts, t.trade_id, t.mw * t.minutes AS size,
           sum(t.mw * t.minutes) OVER newest - t.mw * t.minutes AS newer
    FROM (SELECT account, node_id, last_ts, last_trade_id, CASE WHEN quantity > 0 THEN 'BUY' ELSE 'SELL' END::"trade_side" AS side
          FROM "position" WHERE method = 'FIFO' AND quantity <> 0) AS side
    JOIN "trade" t ON t.account = side.account AND t.node_id = side.node_id AND t.side = side.side AND t.status = 'ACTIVE'
        AND (t.ts, t.trade_id) <= (side.last_ts, side.last_trade_id)
    JOIN "trade_head" h ON h.trade_id = t.trade_id AND h.version = t.version AND h.ts = t.ts
    WINDOW newest AS (PARTITION BY side.account, side.node_id ORDER BY t.ts DESC, t.trade_id DESC ROWS UNBOUNDED PRECEDING)
) AS o
WHERE o.account = p.account AND o.node_id = p.node_id AND o.newer < abs(p.quantity) AND o.newer + o.size >= abs(p.quantity);

-- They hold lots; the next late trade works its position out from the beginning and makes others.
DELETE FROM "position_checkpoint" WHERE state ->> 'method' = 'FIFO';

ALTER TABLE "position" DROP COLUMN "lots";
