-- Shortage of funds is a state: a release on an account that holds too little reserves nothing, waits for the money and goes on by itself.

ALTER TABLE batch DROP CONSTRAINT batch_state_check;
ALTER TABLE batch ADD CONSTRAINT batch_state_check
    CHECK (state IN ('awaiting_review', 'awaiting_release', 'awaiting_funds', 'released', 'planned', 'content_differs', 'refused', 'withdrawn', 'expired'));

-- Since when a released batch waits for money; while it is set, nothing is reserved for the batch.
ALTER TABLE batch ADD COLUMN short_since BIGINT;
-- In the order in which the money is given out.
CREATE INDEX batch_awaiting_funds ON batch (project_id, short_since, id) WHERE state = 'awaiting_funds';
-- Invariant 6: what has no money is neither released nor planned.
ALTER TABLE batch ADD CONSTRAINT nothing_is_sent_without_its_money CHECK (
    (state <> 'awaiting_funds' OR short_since IS NOT NULL)
    AND (short_since IS NULL OR state IN ('awaiting_funds', 'content_differs')));

-- The steps get one more, `fund`: the money of a release that fell short is there and reserved. It needs the release of the same round.
ALTER TABLE approval DROP CONSTRAINT approval_step_check;
ALTER TABLE approval ADD CONSTRAINT approval_step_check
    CHECK (step IN ('prepare', 'review', 'release', 'fund', 'approve', 'refuse', 'withdraw', 'undo', 'expire', 'differ'));
ALTER TABLE approval DROP CONSTRAINT steps_follow_each_other;
ALTER TABLE approval ADD CONSTRAINT steps_follow_each_other CHECK (
    (step = 'review' AND after_step IS NOT NULL AND after_step = 'prepare')
    OR (step = 'release' AND after_step IS NOT NULL AND after_step = 'review')
    OR (step = 'fund' AND after_step IS NOT NULL AND after_step = 'release')
    OR (step NOT IN ('review', 'release', 'fund') AND after_step IS NULL));

-- Tasks that wait keep their place behind `fund`, which comes after `send`.
UPDATE task SET priority = priority + 1 WHERE kind IN ('plan', 'expire', 'announce', 'deliver', 'reseal');
