-- The main job: regions, projects and their special accounts; people sealed once; batches; instructions, attempts and facts; suspense,
-- tasks and the audit chain. Facts, outcomes and attempts are appended and never updated; tallies and account figures are kept in the
-- same transaction as what they sum. Times are milliseconds since 1970 UTC, amounts are fen, hashes and blind indexes are bytes.

CREATE TABLE region (
    code          TEXT PRIMARY KEY,
    name          TEXT NOT NULL,
    base_projects INTEGER
) STRICT;

CREATE TABLE special_account (
    id           INTEGER PRIMARY KEY,
    bank         TEXT NOT NULL,
    number       TEXT NOT NULL,
    name         TEXT NOT NULL,
    balance_fen  INTEGER NOT NULL DEFAULT 0,
    reserved_fen INTEGER NOT NULL DEFAULT 0,
    -- What the bank's word has taken beyond what was free: a fact is never refused, and nothing more is reserved until it is made good.
    overdrawn_fen INTEGER NOT NULL DEFAULT 0 CHECK (overdrawn_fen >= 0),
    UNIQUE (bank, number),
    -- Invariant 6: never more reserved than the account holds.
    CONSTRAINT funds_cover_reservations CHECK (reserved_fen >= 0 AND balance_fen + overdrawn_fen >= reserved_fen)
) STRICT;

CREATE TABLE project (
    id              INTEGER PRIMARY KEY,
    code            TEXT NOT NULL UNIQUE,
    name            TEXT NOT NULL,
    region          TEXT NOT NULL REFERENCES region (code),
    contractor_uscc TEXT NOT NULL,
    contractor      TEXT NOT NULL,
    account_id      INTEGER NOT NULL UNIQUE REFERENCES special_account (id)
) STRICT;

CREATE TABLE deposit (
    bank       TEXT NOT NULL,
    reference  TEXT NOT NULL,
    account_id INTEGER NOT NULL REFERENCES special_account (id),
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
    value_date TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (bank, reference)
) STRICT, WITHOUT ROWID;

-- People: sealed once, found by keyed blind index, referred to by integer.
CREATE TABLE worker (
    id     INTEGER PRIMARY KEY,
    blind  BLOB NOT NULL UNIQUE,
    sealed BLOB NOT NULL
) STRICT;

-- One version of one worker's card: name on the account, account, bank number. Never updated; another card is another row.
CREATE TABLE binding (
    id            INTEGER PRIMARY KEY,
    worker_id     INTEGER NOT NULL REFERENCES worker (id),
    blind         BLOB NOT NULL,
    account_blind BLOB NOT NULL,
    sealed        BLOB NOT NULL,
    cnaps         TEXT,
    UNIQUE (worker_id, blind)
) STRICT;

CREATE TABLE batch (
    id          INTEGER PRIMARY KEY,
    code        TEXT NOT NULL UNIQUE,
    project_id  INTEGER NOT NULL REFERENCES project (id),
    pay_month   TEXT NOT NULL,
    sheet       BLOB NOT NULL,
    content     BLOB NOT NULL,
    row_count   INTEGER NOT NULL CHECK (row_count > 0),
    total_fen   INTEGER NOT NULL CHECK (total_fen > 0),
    state       TEXT NOT NULL CHECK (state IN ('awaiting_approval', 'approved', 'planned', 'rejected')),
    prepared_by TEXT NOT NULL,
    prepared_at INTEGER NOT NULL,
    decided_by  TEXT,
    decided_at  INTEGER,
    -- Invariant 17: nobody approves what they prepared.
    CONSTRAINT two_people CHECK (decided_by IS NULL OR decided_by <> prepared_by)
) STRICT;
CREATE INDEX batch_by_month ON batch (pay_month, project_id);

CREATE TABLE wage_item (
    batch_id   INTEGER NOT NULL REFERENCES batch (id),
    row_no     INTEGER NOT NULL,
    worker_id  INTEGER NOT NULL,
    binding_id INTEGER NOT NULL,
    amount_fen INTEGER NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (batch_id, row_no)
) STRICT, WITHOUT ROWID;

-- One wage for one worker, project and month; a rejected batch gives its slots back.
CREATE TABLE wage_slot (
    project_id INTEGER NOT NULL,
    pay_month  TEXT NOT NULL,
    worker_id  INTEGER NOT NULL,
    batch_id   INTEGER NOT NULL,
    row_no     INTEGER NOT NULL,
    PRIMARY KEY (project_id, pay_month, worker_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX wage_slot_by_batch ON wage_slot (batch_id);

-- Kept beside the facts: how many items and how much stand in each place (invariant 4).
CREATE TABLE tally (
    batch_id   INTEGER NOT NULL REFERENCES batch (id),
    place      TEXT NOT NULL,
    item_count INTEGER NOT NULL CHECK (item_count >= 0),
    total_fen  INTEGER NOT NULL CHECK (total_fen >= 0),
    PRIMARY KEY (batch_id, place)
) STRICT, WITHOUT ROWID;

CREATE TABLE instruction (
    id              INTEGER PRIMARY KEY,
    batch_id        INTEGER NOT NULL REFERENCES batch (id),
    part            INTEGER NOT NULL,
    generation      INTEGER NOT NULL,
    bank            TEXT NOT NULL,
    bank_key        TEXT NOT NULL,
    row_count       INTEGER NOT NULL CHECK (row_count > 0),
    total_fen       INTEGER NOT NULL CHECK (total_fen > 0),
    state           TEXT NOT NULL CHECK (state IN ('planned', 'sending', 'in_doubt', 'accepted', 'refused')),
    planned_at      INTEGER NOT NULL,
    value_date      TEXT NOT NULL,
    bytes_hash      BLOB,
    bytes_size      INTEGER,
    intent_at       INTEGER,
    not_known_since INTEGER,
    UNIQUE (bank, bank_key),
    UNIQUE (batch_id, part, generation),
    -- Invariant 7: once a byte may have left, the bytes are fixed.
    CONSTRAINT intent_fixes_bytes CHECK (state = 'planned' OR (bytes_hash IS NOT NULL AND bytes_size IS NOT NULL AND intent_at IS NOT NULL))
) STRICT;

-- Ends of attempts: a failed or returned fact, appended once (invariant 3).
CREATE TABLE attempt_end (
    batch_id   INTEGER NOT NULL,
    row_no     INTEGER NOT NULL,
    attempt_no INTEGER NOT NULL,
    cause      TEXT NOT NULL CHECK (cause IN ('failed', 'returned', 'decided')),
    raw_id     INTEGER,
    at         INTEGER NOT NULL,
    PRIMARY KEY (batch_id, row_no, attempt_no)
) STRICT, WITHOUT ROWID;

-- Invariant 2: attempt n + 1 of an item can only exist when attempt n has ended, so at most one is live.
CREATE TABLE attempt (
    instruction_id INTEGER NOT NULL REFERENCES instruction (id),
    sequence       INTEGER NOT NULL,
    batch_id       INTEGER NOT NULL,
    row_no         INTEGER NOT NULL,
    attempt_no     INTEGER NOT NULL CHECK (attempt_no >= 1),
    previous_no    INTEGER,
    amount_fen     INTEGER NOT NULL CHECK (amount_fen > 0),
    PRIMARY KEY (instruction_id, sequence),
    CONSTRAINT one_attempt_of_a_number UNIQUE (batch_id, row_no, attempt_no),
    CONSTRAINT attempts_follow_each_other CHECK ((attempt_no = 1 AND previous_no IS NULL) OR (attempt_no > 1 AND previous_no IS NOT NULL AND previous_no = attempt_no - 1)),
    CONSTRAINT one_live_attempt FOREIGN KEY (batch_id, row_no, previous_no) REFERENCES attempt_end (batch_id, row_no, attempt_no),
    FOREIGN KEY (batch_id, row_no) REFERENCES wage_item (batch_id, row_no)
) STRICT, WITHOUT ROWID;

-- Whatever a bank sent, by hash; the bytes are in the evidence store.
CREATE TABLE raw_document (
    id             INTEGER PRIMARY KEY,
    bank           TEXT NOT NULL,
    origin         TEXT NOT NULL CHECK (origin IN ('reply', 'query', 'collect', 'push')),
    instruction_id INTEGER REFERENCES instruction (id),
    hash           BLOB NOT NULL,
    size           INTEGER NOT NULL,
    at             INTEGER NOT NULL,
    state          TEXT NOT NULL CHECK (state IN ('kept', 'unread', 'read', 'broken')),
    next_ordinal   INTEGER NOT NULL DEFAULT 0,
    broken         TEXT
) STRICT;
-- The same bytes about the same thing change nothing.
CREATE UNIQUE INDEX raw_once ON raw_document (bank, hash, COALESCE(instruction_id, 0));

-- Remarks on a document itself: a foreign namespace, a missing element.
CREATE TABLE raw_remark (
    raw_id  INTEGER NOT NULL REFERENCES raw_document (id),
    ordinal INTEGER NOT NULL,
    remark  TEXT NOT NULL,
    PRIMARY KEY (raw_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE fact (
    instruction_id INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    raw_id         INTEGER NOT NULL REFERENCES raw_document (id),
    ordinal        INTEGER NOT NULL,
    verdict        TEXT NOT NULL,
    reason         TEXT,
    code_list      TEXT NOT NULL,
    code           TEXT NOT NULL,
    code_text      TEXT NOT NULL,
    PRIMARY KEY (instruction_id, sequence, raw_id, ordinal)
) STRICT, WITHOUT ROWID;

-- The fold over the facts, appended when it changes; the highest version stands.
CREATE TABLE outcome (
    instruction_id INTEGER NOT NULL,
    sequence       INTEGER NOT NULL,
    version        INTEGER NOT NULL,
    outcome        TEXT NOT NULL,
    reason         TEXT,
    raw_id         INTEGER NOT NULL REFERENCES raw_document (id),
    at             INTEGER NOT NULL,
    PRIMARY KEY (instruction_id, sequence, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE suspense (
    id         INTEGER PRIMARY KEY,
    bank       TEXT NOT NULL,
    raw_id     INTEGER NOT NULL REFERENCES raw_document (id),
    ordinal    INTEGER NOT NULL,
    why        TEXT NOT NULL,
    amount_fen INTEGER,
    at         INTEGER NOT NULL,
    UNIQUE (raw_id, ordinal)
) STRICT;

CREATE TABLE collect_cursor (
    bank  TEXT PRIMARY KEY,
    after TEXT NOT NULL
) STRICT;

CREATE TABLE task (
    -- Never used twice: a late worker of a task that is gone must not pass for the holder of a new one.
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    subject     TEXT NOT NULL,
    due_at      INTEGER NOT NULL,
    lease_until INTEGER,
    fence       INTEGER NOT NULL DEFAULT 0,
    UNIQUE (kind, subject)
) STRICT;
CREATE INDEX task_due ON task (due_at);

CREATE TABLE audit (
    number   INTEGER PRIMARY KEY,
    at       INTEGER NOT NULL,
    who      TEXT NOT NULL,
    action   TEXT NOT NULL,
    subject  TEXT NOT NULL,
    detail   TEXT NOT NULL,
    previous BLOB NOT NULL,
    hash     BLOB NOT NULL
) STRICT;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_never_cut BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
