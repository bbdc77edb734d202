-- The audit chain's second form: each entry says what its object was before and after (SHA-256, or nothing), and the chain's head is kept apart,
-- in the same transaction as each entry, so that a cut tail shows.

ALTER TABLE audit ADD COLUMN before BYTEA NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN after BYTEA NOT NULL DEFAULT '';
-- How the entry's hash is made: 1 without before and after, 2 with them.
ALTER TABLE audit ADD COLUMN form BIGINT NOT NULL DEFAULT 1;
CREATE INDEX audit_by_subject ON audit (subject, number);
CREATE INDEX audit_by_who ON audit (who, number);

-- Its row is the lock of all who append.
CREATE TABLE audit_head (
    one    BIGINT PRIMARY KEY CHECK (one = 1),
    number BIGINT NOT NULL,
    hash   BYTEA NOT NULL
) WITH (fillfactor = 10);
INSERT INTO audit_head (one, number, hash)
SELECT 1, COALESCE(max(number), 0), COALESCE((SELECT hash FROM audit ORDER BY number DESC LIMIT 1), decode(repeat('00', 32), 'hex')) FROM audit;
CREATE TRIGGER audit_head_only_moves_on BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (NEW.number <> OLD.number + 1)
EXECUTE FUNCTION audit_is_append_only();
CREATE TRIGGER audit_head_is_never_dropped BEFORE DELETE OR TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
