-- The desk of two people: what they decided of instructions in doubt, and instructions that wait because the bank spoke of another one for the same wages.

-- Set while the bank has spoken of another instruction for the same wages as of one that it has: sending this one could pay a second time.
ALTER TABLE instruction ADD COLUMN held_since BIGINT;
-- Set when two people found that what had to be asked about first never arrived: the bank's next "no record of it" is its last word.
ALTER TABLE instruction ADD COLUMN vouched_at BIGINT;
-- What needs people is found without a walk over all that was ever sent.
CREATE INDEX instruction_on_the_desk ON instruction (id)
    WHERE state = 'in_doubt' OR (state = 'planned' AND (ask_first_since IS NOT NULL OR held_since IS NOT NULL));
CREATE INDEX outcome_contradicted ON outcome (instruction_id, sequence, version) WHERE outcome = 'contradicted';

-- 'decision': what two people decided on.
ALTER TABLE raw_document DROP CONSTRAINT raw_document_origin_check;
ALTER TABLE raw_document ADD CONSTRAINT raw_document_origin_check CHECK (origin IN ('reply', 'query', 'collect', 'push', 'decision'));

CREATE TABLE doubt_decision (
    instruction_id BIGINT NOT NULL REFERENCES instruction (id),
    round          BIGINT NOT NULL CHECK (round >= 1),
    step           TEXT NOT NULL CHECK (step IN ('propose', 'confirm', 'withdraw')),
    verdict        TEXT NOT NULL CHECK (verdict IN ('arrived', 'not_arrived')),
    -- The document, by hash, that shows what the bank says.
    evidence       BYTEA NOT NULL CHECK (length(evidence) = 32),
    -- What was decided about: where the instruction stood, and how often it had been sent.
    question       TEXT NOT NULL CHECK (question IN ('in_doubt', 'ask_first', 'held')),
    sends          BIGINT NOT NULL CHECK (sends >= 0),
    reason         TEXT CHECK (step = 'confirm' OR (reason IS NOT NULL AND length(btrim(reason)) > 0)),
    by_whom        TEXT NOT NULL,
    at             BIGINT NOT NULL,
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
);
-- A round ends once.
CREATE UNIQUE INDEX one_end_of_a_round ON doubt_decision (instruction_id, round) WHERE step IN ('confirm', 'withdraw');
CREATE FUNCTION doubt_decision_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'decisions are append-only'; END $$;
CREATE TRIGGER doubt_decision_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON doubt_decision
    FOR EACH STATEMENT EXECUTE FUNCTION doubt_decision_is_append_only();
