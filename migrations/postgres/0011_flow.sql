-- How work flows to the banks: whom a task calls, whose turn it is, how often it failed, and how each bank's line is. All gateways share these.

-- The bank that a task calls; NULL where it calls nobody.
ALTER TABLE task ADD COLUMN bank TEXT;
-- Whose sends these are, by the contractor's USCC, and the place in the order between contractors.
ALTER TABLE task ADD COLUMN lane TEXT;
ALTER TABLE task ADD COLUMN turn BIGINT NOT NULL DEFAULT 0;
-- Steps in a row that failed on our side, and the last one's words.
ALTER TABLE task ADD COLUMN failures BIGINT NOT NULL DEFAULT 0;
ALTER TABLE task ADD COLUMN last_error TEXT;
ALTER TABLE task ADD COLUMN failed_at BIGINT;

UPDATE task SET bank = subject WHERE kind = 'collect';
UPDATE task SET bank = (SELECT i.bank FROM instruction i WHERE i.id = CAST(task.subject AS BIGINT)) WHERE kind IN ('send', 'query');
UPDATE task SET lane = (SELECT p.contractor_uscc FROM instruction i JOIN batch b ON b.id = i.batch_id JOIN project p ON p.id = b.project_id
                        WHERE i.id = CAST(task.subject AS BIGINT)) WHERE kind = 'send';
UPDATE task SET turn = placed.turn FROM (SELECT id, row_number() OVER (PARTITION BY bank, lane ORDER BY due_at, id) AS turn FROM task WHERE kind = 'send') placed
WHERE placed.id = task.id;

CREATE INDEX task_held ON task (bank, lease_until) WHERE lease_until IS NOT NULL;
CREATE INDEX task_lane ON task (bank, lane, turn) WHERE lane IS NOT NULL;

CREATE TABLE bank_link (
    bank            TEXT PRIMARY KEY,
    -- Tasks that call this bank at one time, over all gateways.
    calls_max       BIGINT NOT NULL DEFAULT 4 CHECK (calls_max > 0),
    -- The highest turn of a send that was taken.
    turn            BIGINT NOT NULL DEFAULT 0,
    -- Calls in a row without an answer; from a number of them on nobody calls until `open_until`.
    failures        BIGINT NOT NULL DEFAULT 0,
    open_since      BIGINT,
    open_until      BIGINT,
    rest_ms         BIGINT NOT NULL DEFAULT 0,
    last_success_at BIGINT,
    last_failure_at BIGINT,
    last_failure    TEXT,
    -- The bank's clock less ours.
    clock_skew_ms   BIGINT,
    skew_at         BIGINT
);
