-- The desk of two people: what they decided of instructions in doubt, and instructions that wait because the bank spoke of another one for the same wages.

-- Set while the bank has spoken of another instruction for the same wages as of one that it has: sending this one could pay a second time.
ALTER TABLE instruction ADD COLUMN held_since INTEGER;
-- Set when two people found that what had to be asked about first never arrived: the bank's next "no record of it" is its last word.
ALTER TABLE instruction ADD COLUMN vouched_at INTEGER;
-- What needs people is found without a walk over all that was ever sent.
CREATE INDEX instruction_on_the_desk ON instruction (id)
    WHERE state = 'in_doubt' OR (state = 'planned' AND (ask_first_since IS NOT NULL OR held_since IS NOT NULL));
CREATE INDEX outcome_contradicted ON outcome (instruction_id, sequence, version) WHERE outcome = 'contradicted';

-- A CHECK cannot be changed in place: where documents came from moves to a new column, which takes the old one's name. 'decision': what two people decided on.
ALTER TABLE raw_document ADD COLUMN came_by TEXT NOT NULL DEFAULT 'push' CHECK (came_by IN ('reply', 'query', 'collect', 'push', 'decision'));
UPDATE raw_document SET came_by = origin;
ALTER TABLE raw_document DROP COLUMN origin;
ALTER TABLE raw_document RENAME COLUMN came_by TO origin;

CREATE TABLE doubt_decision (
    instruction_id INTEGER NOT NULL REFERENCES instruction (id),
    round          INTEGER NOT NULL CHECK (round >= 1),
    step           TEXT NOT NULL CHECK (step IN ('propose', 'confirm', 'withdraw')),
    verdict        TEXT NOT NULL CHECK (verdict IN ('arrived', 'not_arrived')),
    -- The document, by hash, that shows what the bank says.
    evidence       BLOB NOT NULL CHECK (length(evidence) = 32),
    -- What was decided about: where the instruction stood, and how often it had been sent.
    question       TEXT NOT NULL CHECK (question IN ('in_doubt', 'ask_first', 'held')),
    sends          INTEGER NOT NULL CHECK (sends >= 0),
    reason         TEXT CHECK (step = 'confirm' OR (reason IS NOT NULL AND length(trim(reason)) > 0)),
    by_whom        TEXT NOT NULL,
    at             INTEGER NOT NULL,
    -- The proposal that a later step is about, and whose it is.
    after_step     TEXT,
    proposed_by    TEXT,
    PRIMARY KEY (instruction_id, round, step),
    CONSTRAINT one_proposal UNIQUE (instruction_id, round, step, verdict, evidence, question, sends, by_whom),
    CONSTRAINT steps_follow_a_proposal CHECK (
        (step = 'propose' AND after_step IS NULL AND proposed_by IS NULL)
        OR (step <> 'propose' AND after_step IS NOT NULL AND after_step = 'propose' AND proposed_by IS NOT NULL)),
    -- The same verdict, on the same document, about the same thing.
    CONSTRAINT of_the_same_proposal FOREIGN KEY (instruction_id, round, after_step, verdict, evidence, question, sends, proposed_by)
        REFERENCES doubt_decision (instruction_id, round, step, verdict, evidence, question, sends, by_whom),
    -- Invariant 17: nobody decides alone.
    CONSTRAINT two_voices CHECK (step <> 'confirm' OR by_whom <> proposed_by)
) STRICT, WITHOUT ROWID;
-- A round ends once.
CREATE UNIQUE INDEX one_end_of_a_round ON doubt_decision (instruction_id, round) WHERE step IN ('confirm', 'withdraw');
CREATE TRIGGER doubt_decision_is_never_changed BEFORE UPDATE ON doubt_decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
CREATE TRIGGER doubt_decision_is_never_cut BEFORE DELETE ON doubt_decision BEGIN SELECT RAISE(ABORT, 'decisions are append-only'); END;
