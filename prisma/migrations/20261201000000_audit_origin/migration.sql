-- By which credential and from where, beside who it says that it is.
ALTER TABLE "audit_entry" ADD COLUMN "subject" TEXT, ADD COLUMN "address" TEXT;
ALTER TYPE "audit_outcome" ADD VALUE 'DENIED';

-- Entries leave the log by retention alone: it says up to which time in its own transaction, and nothing of the last 30 days goes.
DROP TRIGGER audit_entry_is_final ON audit_entry;
CREATE TRIGGER audit_entry_is_final BEFORE UPDATE OR TRUNCATE ON audit_entry
  FOR EACH STATEMENT EXECUTE FUNCTION audit_entry_is_final();
CREATE FUNCTION audit_entry_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- Without a word of retention this is unknown, and nothing goes.
  IF OLD.at < nullif(current_setting('busbar.audit_kept_from', true), '')::timestamptz AND OLD.at < now() - interval '30 days' THEN
    RETURN OLD;
  END IF;
  RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER audit_entry_is_kept BEFORE DELETE ON audit_entry
  FOR EACH ROW EXECUTE FUNCTION audit_entry_is_kept();
