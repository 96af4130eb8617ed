-- What cursors of subscriptions are signed with, shared by all gateways; made by the first of them. Only gateways need it: they
-- select and insert. A key that a new one has replaced verifies as long as its row is here.
CREATE TABLE "cursor_key" (
    "id" INTEGER NOT NULL,
    "secret" BYTEA NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT "cursor_key_pkey" PRIMARY KEY ("id")
);
REVOKE ALL ON "cursor_key" FROM PUBLIC;
