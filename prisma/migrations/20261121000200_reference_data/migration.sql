-- Markets (kept equal to domain/market.ts by a test) and the four hubs of the JSON topics.
INSERT INTO market (id, name, operator, time_zone, currency) VALUES
  ('CAISO', 'California', 'California Independent System Operator', 'America/Los_Angeles', 'USD'),
  ('ERCOT', 'Texas', 'Electric Reliability Council of Texas', 'America/Chicago', 'USD'),
  ('ISONE', 'New England', 'ISO New England', 'America/New_York', 'USD'),
  ('MISO', 'Midcontinent', 'Midcontinent Independent System Operator', 'Etc/GMT+5', 'USD'),
  ('NYISO', 'New York', 'New York Independent System Operator', 'America/New_York', 'USD'),
  ('PJM', 'Mid-Atlantic', 'PJM Interconnection', 'America/New_York', 'USD'),
  ('SPP', 'Southwest', 'Southwest Power Pool', 'America/Chicago', 'USD');

INSERT INTO pricing_node (market_id, name) VALUES
  ('PJM', 'PJM-WEST'), ('ERCOT', 'ERCOT-HOUSTON'), ('NYISO', 'NYISO-ZONEJ'), ('CAISO', 'CAISO-NP15');

INSERT INTO pricing_node_version (node_id, valid_from, kind, zone, title)
SELECT id, TIMESTAMPTZ '1998-01-01 00:00:00+00',
       CASE name WHEN 'NYISO-ZONEJ' THEN 'ZONE' ELSE 'HUB' END,
       CASE name WHEN 'NYISO-ZONEJ' THEN 'N.Y.C.' END,
       CASE name WHEN 'PJM-WEST' THEN 'PJM Western Hub' WHEN 'ERCOT-HOUSTON' THEN 'ERCOT Houston Hub'
                 WHEN 'NYISO-ZONEJ' THEN 'NYISO Zone J, New York City' ELSE 'CAISO NP15 Trading Hub' END
FROM pricing_node;
