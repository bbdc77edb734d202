-- The main job: regions, projects and their special accounts; people sealed once; batches; instructions, attempts and facts; suspense,
-- tasks and the audit chain. Facts, outcomes and attempts are appended and never updated; tallies and account figures are kept in the
-- same transaction as what they sum. Times are milliseconds since 1970 UTC, amounts are fen, hashes and blind indexes are bytes.

CREATE TABLE region (
    code          TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    base_projects BIGINT
);

CREATE TABLE special_account (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank         TEXT NOT NULL,
    number       TEXT NOT NULL,
    name         TEXT NOT NULL,
    balance_fen  BIGINT NOT NULL DEFAULT 0,
    reserved_fen BIGINT NOT NULL DEFAULT 0,
    -- What the bank's word has taken beyond what was free: a fact is never refused, and nothing more is reserved until it is made good.
    overdrawn_fen BIGINT NOT NULL DEFAULT 0 CHECK (overdrawn_fen >= 0),
    UNIQUE (bank, number),
    -- Invariant 6: never more reserved than the account holds.
    CONSTRAINT funds_cover_reservations CHECK (reserved_fen >= 0 AND balance_fen + overdrawn_fen >= reserved_fen)
);

CREATE TABLE project (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    region          TEXT NOT NULL REFERENCES region (code),
    contractor_uscc TEXT NOT NULL,
    contractor      TEXT NOT NULL,
    account_id      BIGINT NOT NULL UNIQUE REFERENCES special_account (id)
);

CREATE TABLE deposit (
    bank       TEXT NOT NULL,
    reference  TEXT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES special_account (id),
    amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
    value_date TEXT NOT NULL,
    at         BIGINT NOT NULL,
    PRIMARY KEY (bank, reference)
);

-- People: sealed once, found by keyed blind index, referred to by integer.
CREATE TABLE worker (
    id     BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    blind  BYTEA NOT NULL UNIQUE,
    sealed BYTEA NOT NULL
);

-- One version of one worker's card: name on the account, account, bank number. Never updated; another card is another row.
CREATE TABLE binding (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    worker_id     BIGINT NOT NULL REFERENCES worker (id),
    blind         BYTEA NOT NULL,
    account_blind BYTEA NOT NULL,
    sealed        BYTEA NOT NULL,
    cnaps         TEXT,
    UNIQUE (worker_id, blind)
);

CREATE TABLE batch (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    code        TEXT NOT NULL UNIQUE,
    project_id  BIGINT NOT NULL REFERENCES project (id),
    pay_month   TEXT NOT NULL,
    sheet       BYTEA NOT NULL,
    content     BYTEA NOT NULL,
    row_count   BIGINT NOT NULL CHECK (row_count > 0),
    total_fen   BIGINT NOT NULL CHECK (total_fen > 0),
    state       TEXT NOT NULL CHECK (state IN ('awaiting_approval', 'approved', 'planned', 'rejected')),
    prepared_by TEXT NOT NULL,
    prepared_at BIGINT NOT NULL,
    decided_by  TEXT,
    decided_at  BIGINT,
    -- Invariant 17: nobody approves what they prepared.
    CONSTRAINT two_people CHECK (decided_by IS NULL OR decided_by <> prepared_by)
);
CREATE INDEX batch_by_month ON batch (pay_month, project_id);

CREATE TABLE wage_item (
    batch_id   BIGINT NOT NULL REFERENCES batch (id),
    row_no     BIGINT NOT NULL,
    worker_id  BIGINT NOT NULL,
    binding_id BIGINT NOT NULL,
    amount_fen BIGINT NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (batch_id, row_no)
);

-- One wage for one worker, project and month; a rejected batch gives its slots back.
CREATE TABLE wage_slot (
    project_id BIGINT NOT NULL,
    pay_month  TEXT NOT NULL,
    worker_id  BIGINT NOT NULL,
    batch_id   BIGINT NOT NULL,
    row_no     BIGINT NOT NULL,
    PRIMARY KEY (project_id, pay_month, worker_id)
);
CREATE INDEX wage_slot_by_batch ON wage_slot (batch_id);

-- Kept beside the facts: how many items and how much stand in each place (invariant 4).
CREATE TABLE tally (
    batch_id   BIGINT NOT NULL REFERENCES batch (id),
    place      TEXT NOT NULL,
    item_count BIGINT NOT NULL CHECK (item_count >= 0),
    total_fen  BIGINT NOT NULL CHECK (total_fen >= 0),
    PRIMARY KEY (batch_id, place)
);

CREATE TABLE instruction (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    batch_id        BIGINT NOT NULL REFERENCES batch (id),
    part            BIGINT NOT NULL,
    generation      BIGINT NOT NULL,
    bank            TEXT NOT NULL,
    bank_key        TEXT NOT NULL,
    row_count       BIGINT NOT NULL CHECK (row_count > 0),
    total_fen       BIGINT NOT NULL CHECK (total_fen > 0),
    state           TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'in_doubt', 'accepted', 'refused')),
    planned_at      BIGINT NOT NULL,
    value_date      TEXT NOT NULL,
    bytes_hash      BYTEA,
    bytes_size      BIGINT,
    intent_at       BIGINT,
    not_known_since BIGINT,
    UNIQUE (bank, bank_key),
    UNIQUE (batch_id, part, generation),
    -- Invariant 7: once a byte may have left, the bytes are fixed.
    CONSTRAINT intent_fixes_bytes CHECK (state = 'planned' OR (bytes_hash IS NOT NULL AND bytes_size IS NOT NULL AND intent_at IS NOT NULL))
);

-- Ends of attempts: a failed or returned fact, appended once (invariant 3).
CREATE TABLE attempt_end (
    batch_id   BIGINT NOT NULL,
    row_no     BIGINT NOT NULL,
    attempt_no BIGINT NOT NULL,
    cause      TEXT NOT NULL CHECK (cause IN ('failed', 'returned', 'decided')),
    raw_id     BIGINT,
    at         BIGINT NOT NULL,
    PRIMARY KEY (batch_id, row_no, attempt_no)
);

-- Invariant 2: attempt n + 1 of an item can only exist when attempt n has ended, so at most one is live.
CREATE TABLE attempt (
    instruction_id BIGINT NOT NULL REFERENCES instruction (id),
    sequence       BIGINT NOT NULL,
    batch_id       BIGINT NOT NULL,
    row_no         BIGINT NOT NULL,
    attempt_no     BIGINT NOT NULL CHECK (attempt_no >= 1),
    previous_no    BIGINT,
    amount_fen     BIGINT NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (instruction_id, sequence),
    CONSTRAINT one_attempt_of_a_number UNIQUE (batch_id, row_no, attempt_no),
    CONSTRAINT attempts_follow_each_other CHECK ((attempt_no = 1 AND previous_no IS NULL) OR (attempt_no > 1 AND previous_no IS NOT NULL AND previous_no = attempt_no - 1)),
    CONSTRAINT one_live_attempt FOREIGN KEY (batch_id, row_no, previous_no) REFERENCES attempt_end (batch_id, row_no, attempt_no),
    FOREIGN KEY (batch_id, row_no) REFERENCES wage_item (batch_id, row_no)
);

-- Whatever a bank sent, by hash; the bytes are in the evidence store.
CREATE TABLE raw_document (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank           TEXT NOT NULL,
    origin         TEXT NOT NULL CHECK (origin IN ('reply', 'query', 'collect', 'push')),
    instruction_id BIGINT REFERENCES instruction (id),
    hash           BYTEA NOT NULL,
    size           BIGINT NOT NULL,
    at             BIGINT NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('kept', 'unread', 'read', 'broken')),
    next_ordinal   BIGINT NOT NULL DEFAULT 0,
    broken         TEXT
);
-- The same bytes about the same thing change nothing.
CREATE UNIQUE INDEX raw_once ON raw_document (bank, hash, COALESCE(instruction_id, 0));

-- Remarks on a document itself: a foreign namespace, a missing element.
CREATE TABLE raw_remark (
    raw_id  BIGINT NOT NULL REFERENCES raw_document (id),
    ordinal BIGINT NOT NULL,
    remark  TEXT NOT NULL,
    PRIMARY KEY (raw_id, ordinal)
);

CREATE TABLE fact (
    instruction_id BIGINT NOT NULL,
    sequence       BIGINT NOT NULL,
    raw_id         BIGINT NOT NULL REFERENCES raw_document (id),
    ordinal        BIGINT NOT NULL,
    verdict        TEXT NOT NULL,
    reason         TEXT,
    code_list      TEXT NOT NULL,
    code           TEXT NOT NULL,
    code_text      TEXT NOT NULL,
    PRIMARY KEY (instruction_id, sequence, raw_id, ordinal)
);
CREATE INDEX fact_by_raw ON fact (raw_id, instruction_id);

-- The fold over the facts, appended when it changes; the highest version stands.
CREATE TABLE outcome (
    instruction_id BIGINT NOT NULL,
    sequence       BIGINT NOT NULL,
    version        BIGINT NOT NULL,
    outcome        TEXT NOT NULL,
    reason         TEXT,
    raw_id         BIGINT NOT NULL REFERENCES raw_document (id),
    at             BIGINT NOT NULL,
    PRIMARY KEY (instruction_id, sequence, version)
);

CREATE TABLE suspense (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    bank       TEXT NOT NULL,
    raw_id     BIGINT NOT NULL REFERENCES raw_document (id),
    ordinal    BIGINT NOT NULL,
    why        TEXT NOT NULL,
    amount_fen BIGINT,
    at         BIGINT NOT NULL,
    UNIQUE (raw_id, ordinal)
);

CREATE TABLE collect_cursor (
    bank  TEXT PRIMARY KEY,
    after TEXT NOT NULL
);

CREATE TABLE task (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind        TEXT NOT NULL,
    priority    BIGINT NOT NULL,
    subject     TEXT NOT NULL,
    due_at      BIGINT NOT NULL,
    lease_until BIGINT,
    fence       BIGINT NOT NULL DEFAULT 0,
    UNIQUE (kind, subject)
);
CREATE INDEX task_due ON task (due_at);

CREATE TABLE audit (
    number   BIGINT PRIMARY KEY,
    at       BIGINT NOT NULL,
    who      TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    detail   TEXT NOT NULL,
    previous BYTEA NOT NULL,
    hash     BYTEA NOT NULL
);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
