-- Who may ask by an API key. What is kept of the secret is its SHA-256: it is random, so that nothing slower is needed.
-- Gateways select, insert and update; a key is never deleted, since the audit log names it.
CREATE TABLE "api_key" (
    "id" BIGSERIAL NOT NULL,
    "prefix" TEXT NOT NULL,
    "secret_hash" BYTEA NOT NULL,
    "name" TEXT NOT NULL,
    "roles" TEXT[],
    "markets" TEXT[],
    "feeds" TEXT[],
    "accounts" TEXT[],
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "created_by" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "last_used_at" TIMESTAMPTZ(3),
    "replaces" TEXT,

    CONSTRAINT "api_key_pkey" PRIMARY KEY ("id")
);
REVOKE ALL ON "api_key" FROM PUBLIC;

-- CreateIndex
CREATE UNIQUE INDEX "api_key_prefix_key" ON "api_key"("prefix");

-- Gateways look at this number every second, and read the keys where it has moved. One row, so that changes commit one after
-- the other: a mark that each change took for itself could become visible behind a later one.
CREATE TABLE "api_key_revision" (
    "id" INTEGER NOT NULL,
    "n" BIGINT NOT NULL,

    CONSTRAINT "api_key_revision_pkey" PRIMARY KEY ("id")
);
INSERT INTO "api_key_revision" ("id", "n") VALUES (1, 1);

CREATE FUNCTION api_key_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE api_key_revision SET n = n + 1;
    RETURN NULL;
END $$;

-- Whoever changes a key, also by hand. When it was used last concerns nobody.
CREATE TRIGGER api_key_changed
    AFTER INSERT OR DELETE OR TRUNCATE
        OR UPDATE OF prefix, secret_hash, name, roles, markets, feeds, accounts, expires_at, revoked_at
    ON "api_key" FOR EACH STATEMENT EXECUTE FUNCTION api_key_changed();
