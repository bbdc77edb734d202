-- Shortage of funds is a state: a release on an account that holds too little reserves nothing, waits for the money and goes on by itself.

-- A CHECK cannot be changed in place: the states move to a new column, which takes the old one's name.
ALTER TABLE batch ADD COLUMN stage TEXT NOT NULL DEFAULT 'awaiting_review'
    CHECK (stage IN ('awaiting_review', 'awaiting_release', 'awaiting_funds', 'released', 'planned', 'content_differs', 'refused', 'withdrawn', 'expired'));
UPDATE batch SET stage = state;
ALTER TABLE batch DROP COLUMN state;
ALTER TABLE batch RENAME COLUMN stage TO state;

-- Since when a released batch waits for money; while it is set, nothing is reserved for the batch.
ALTER TABLE batch ADD COLUMN short_since INTEGER;
-- In the order in which the money is given out.
CREATE INDEX batch_awaiting_funds ON batch (project_id, short_since, id) WHERE state = 'awaiting_funds';
-- Invariant 6: what has no money is neither released nor planned.
CREATE TRIGGER nothing_is_sent_without_its_money BEFORE UPDATE OF state, short_since ON batch
WHEN (NEW.state = 'awaiting_funds' AND NEW.short_since IS NULL)
    OR (NEW.short_since IS NOT NULL AND NEW.state NOT IN ('awaiting_funds', 'content_differs'))
BEGIN SELECT RAISE(ABORT, 'nothing_is_sent_without_its_money'); END;

-- The steps get one more, `fund`, which needs the release of the same round: the table is made anew with its rows.
CREATE TABLE approval_with_fund (
    batch_id   INTEGER NOT NULL REFERENCES batch (id),
    round      INTEGER NOT NULL CHECK (round >= 1),
    -- 'approve': by one second person, before there were reviews. 'fund': the money of a release that fell short is there and reserved.
    step       TEXT NOT NULL CHECK (step IN ('prepare', 'review', 'release', 'fund', 'approve', 'refuse', 'withdraw', 'undo', 'expire', 'differ')),
    after_step TEXT,
    by_whom    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    content    BLOB NOT NULL,
    reason     TEXT CHECK (step <> 'refuse' OR reason IS NOT NULL),
    PRIMARY KEY (batch_id, round, step),
    -- A review needs the preparation, a release the review and its money the release of the same round.
    CONSTRAINT no_step_is_skipped FOREIGN KEY (batch_id, round, after_step) REFERENCES approval_with_fund (batch_id, round, step),
    CONSTRAINT steps_follow_each_other CHECK (
        (step = 'review' AND after_step IS NOT NULL AND after_step = 'prepare')
        OR (step = 'release' AND after_step IS NOT NULL AND after_step = 'review')
        OR (step = 'fund' AND after_step IS NOT NULL AND after_step = 'release')
        OR (step NOT IN ('review', 'release', 'fund') AND after_step IS NULL))
) STRICT, WITHOUT ROWID;
INSERT INTO approval_with_fund (batch_id, round, step, after_step, by_whom, at, content, reason)
SELECT batch_id, round, step, after_step, by_whom, at, content, reason FROM approval;
DROP TABLE approval;
ALTER TABLE approval_with_fund RENAME TO approval;
-- Invariant 17: three steps, three people.
CREATE UNIQUE INDEX three_people ON approval (batch_id, round, by_whom) WHERE step IN ('prepare', 'review', 'release');
CREATE TRIGGER approval_is_never_changed BEFORE UPDATE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;
CREATE TRIGGER approval_is_never_cut BEFORE DELETE ON approval BEGIN SELECT RAISE(ABORT, 'approvals are append-only'); END;

-- Tasks that wait keep their place behind `fund`, which comes after `send`.
UPDATE task SET priority = priority + 1 WHERE kind IN ('plan', 'expire', 'announce', 'deliver', 'reseal');
