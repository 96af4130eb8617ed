-- A rotation ended the old key by its `expires_at`, from which the next rotation of the same key took its successor's length of life:
-- that lived no longer than the overlap. When a key that ends early was to end is a column of its own now; `expires_at` stays when it
-- does end, which is all that gateways of the version before read. What they make or rotate while versions roll over has its
-- `expires_at` for its intended end, as before.
ALTER TABLE "api_key" ADD COLUMN "ends_early" BOOLEAN NOT NULL DEFAULT false, ADD COLUMN "intended_ends_at" TIMESTAMPTZ(3);

-- Keys that came of each other have one length of life, and the last of those that were each the first to replace the one before
-- still has it: it was made from one that had not been rotated, and was not rotated itself. For every other key of the line
-- its intended end is noted: none lives longer for it, or shorter.
WITH RECURSIVE member AS (
    SELECT prefix, prefix AS origin FROM api_key WHERE replaces IS NULL
  UNION ALL
    SELECT key.prefix, member.origin FROM api_key AS key JOIN member ON key.replaces = member.prefix
), first_successor AS (
    SELECT DISTINCT ON (replaces) replaces, prefix FROM api_key WHERE replaces IS NOT NULL ORDER BY replaces, id
), heir AS (
    SELECT prefix, prefix AS origin FROM api_key WHERE replaces IS NULL
  UNION ALL
    SELECT next.prefix, heir.origin FROM heir JOIN first_successor AS next ON next.replaces = heir.prefix
), line AS (
    SELECT origin, expires_at - created_at AS life FROM heir JOIN api_key USING (prefix)
    WHERE prefix NOT IN (SELECT replaces FROM first_successor)
), intended AS (
    SELECT prefix, created_at + life AS ends_at FROM api_key JOIN member USING (prefix) JOIN line USING (origin)
)
UPDATE api_key AS key SET ends_early = true, intended_ends_at = intended.ends_at
FROM intended WHERE key.prefix = intended.prefix AND (intended.ends_at IS NULL OR intended.ends_at > key.expires_at)
  AND key.expires_at IS NOT NULL;
