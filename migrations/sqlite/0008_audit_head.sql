-- The audit chain's second form: each entry says what its object was before and after (SHA-256, or nothing), and the chain's head is kept apart,
-- in the same transaction as each entry, so that a cut tail shows.

ALTER TABLE audit ADD COLUMN before BLOB NOT NULL DEFAULT x'';
ALTER TABLE audit ADD COLUMN after BLOB NOT NULL DEFAULT x'';
-- How the entry's hash is made: 1 without before and after, 2 with them.
ALTER TABLE audit ADD COLUMN form INTEGER NOT NULL DEFAULT 1;
CREATE INDEX audit_by_subject ON audit (subject, number);
CREATE INDEX audit_by_who ON audit (who, number);

CREATE TABLE audit_head (
    one    INTEGER PRIMARY KEY CHECK (one = 1),
    number INTEGER NOT NULL,
    hash   BLOB NOT NULL
) STRICT;
INSERT INTO audit_head (one, number, hash)
SELECT 1, COALESCE(max(number), 0), COALESCE((SELECT hash FROM audit ORDER BY number DESC LIMIT 1), zeroblob(32)) FROM audit;
CREATE TRIGGER audit_head_only_moves_on BEFORE UPDATE ON audit_head WHEN NEW.number <> OLD.number + 1
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_head_is_never_dropped BEFORE DELETE ON audit_head BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
