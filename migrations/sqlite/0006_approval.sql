-- Approval by three people: prepare, review, release. Every step, and whatever ends a batch, is appended to `approval`; a round begins anew
-- when a release is taken back, with the preparation and the review that still stand.

-- A CHECK cannot be changed in place: the states move to a new column, which takes the old one's name.
ALTER TABLE batch ADD COLUMN stage TEXT NOT NULL DEFAULT 'awaiting_review'
    CHECK (stage IN ('awaiting_review', 'awaiting_release', 'released', 'planned', 'content_differs', 'refused', 'withdrawn', 'expired'));
UPDATE batch SET stage = CASE state WHEN 'approved' THEN 'released' WHEN 'planned' THEN 'planned' WHEN 'rejected' THEN 'refused' ELSE 'awaiting_review' END;
ALTER TABLE batch DROP COLUMN state;
ALTER TABLE batch RENAME COLUMN stage TO state;
-- `decided_by` and `decided_at` tell of batches that one second person approved, before there were reviews; nothing writes them now.

ALTER TABLE batch ADD COLUMN round INTEGER NOT NULL DEFAULT 1 CHECK (round >= 1);
-- Not released by then, it expires; what waited for long when this came has a week from now.
ALTER TABLE batch ADD COLUMN expires_at INTEGER;
UPDATE batch SET expires_at = max(prepared_at + 2592000000, CAST(strftime('%s', 'now') AS INTEGER) * 1000 + 604800000)
WHERE state = 'awaiting_review';
INSERT INTO task (kind, priority, subject, due_at) SELECT 'expire', 5, code, expires_at FROM batch WHERE state = 'awaiting_review' ORDER BY id;

-- What is refused is not owed.
UPDATE tally SET item_count = 0, total_fen = 0 WHERE batch_id IN (SELECT id FROM batch WHERE state = 'refused');

CREATE TABLE approval (
    batch_id   INTEGER NOT NULL REFERENCES batch (id),
    round      INTEGER NOT NULL CHECK (round >= 1),
    -- 'approve': by one second person, before there were reviews.
    step       TEXT NOT NULL CHECK (step IN ('prepare', 'review', 'release', 'approve', 'refuse', 'withdraw', 'undo', 'expire', 'differ')),
    after_step TEXT,
    by_whom    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    content    BLOB NOT NULL,
    reason     TEXT CHECK (step <> 'refuse' OR reason IS NOT NULL),
    PRIMARY KEY (batch_id, round, step),
    -- A review needs the preparation and a release the review of the same round.
    CONSTRAINT no_step_is_skipped FOREIGN KEY (batch_id, round, after_step) REFERENCES approval (batch_id, round, step),
    CONSTRAINT steps_follow_each_other CHECK (
        (step = 'review' AND after_step IS NOT NULL AND after_step = 'prepare')
        OR (step = 'release' AND after_step IS NOT NULL AND after_step = 'review')
        OR (step NOT IN ('review', 'release') AND after_step IS NULL))
) STRICT, WITHOUT ROWID;
-- Invariant 17: three steps, three people.
CREATE UNIQUE INDEX three_people ON approval (batch_id, round, by_whom) WHERE step IN ('prepare', 'review', 'release');
CREATE TRIGGER approval_is_never_changed BEFORE UPDATE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
CREATE TRIGGER approval_is_never_cut BEFORE DELETE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;

INSERT INTO approval (batch_id, round, step, by_whom, at, content) SELECT id, 1, 'prepare', prepared_by, prepared_at, content FROM batch;
INSERT INTO approval (batch_id, round, step, by_whom, at, content, reason)
SELECT b.id, 1, CASE b.state WHEN 'refused' THEN 'refuse' ELSE 'approve' END, b.decided_by, b.decided_at, b.content,
    CASE b.state WHEN 'refused' THEN COALESCE(
        (SELECT a.detail FROM audit a WHERE a.action = 'batch.reason' AND a.subject = b.code ORDER BY a.number DESC LIMIT 1), 'not kept') END
FROM batch b WHERE b.decided_by IS NOT NULL;

-- What stands behind a batch, such as the table that the workers signed: by hash, in the evidence store.
CREATE TABLE batch_evidence (
    batch_id INTEGER NOT NULL REFERENCES batch (id),
    kind     TEXT NOT NULL CHECK (kind IN ('signed_table', 'attendance', 'contract', 'other')),
    hash     BLOB NOT NULL,
    size     INTEGER NOT NULL CHECK (size > 0),
    by_whom  TEXT NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (batch_id, kind, hash)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER batch_evidence_is_never_changed BEFORE UPDATE ON batch_evidence BEGIN SELECT RAISE(ABORT, 'what stands behind a batch is append-only'); END;
CREATE TRIGGER batch_evidence_is_never_cut BEFORE DELETE ON batch_evidence BEGIN SELECT RAISE(ABORT, 'what stands behind a batch is append-only'); END;

-- Invariant 5: the content of an instruction's rows as they were when the whole batch was found to be what was released.
ALTER TABLE instruction ADD COLUMN content BLOB;
