-- The registry: who is who. What stands now is in tables of its own; every version that ever stood is appended to register_version, with
-- who and when. People's data is sealed here as everywhere.

CREATE TABLE contractor (
    uscc TEXT PRIMARY KEY,
    name TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO contractor (uscc, name) SELECT contractor_uscc, min(contractor) FROM project GROUP BY contractor_uscc;

-- Names of special accounts can be longer than a bank's field: other names under which the same account is known.
CREATE TABLE account_alias (
    account_id INTEGER NOT NULL REFERENCES special_account (id),
    alias      TEXT NOT NULL,
    PRIMARY KEY (account_id, alias)
) STRICT, WITHOUT ROWID;

-- Content is JSON; a person's is sealed, and its digest is keyed. The highest version stands.
CREATE TABLE register_version (
    kind    TEXT NOT NULL CHECK (kind IN ('region', 'contractor', 'project', 'account', 'worker', 'presence', 'attendance', 'card')),
    subject TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    digest  BLOB NOT NULL,
    content BLOB NOT NULL,
    by_whom TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (kind, subject, version)
) STRICT, WITHOUT ROWID;

-- The registered name and telephone number of a worker, sealed together; the name's blind index finds a wage sheet's other spelling.
CREATE TABLE worker_profile (
    worker_id  INTEGER PRIMARY KEY REFERENCES worker (id),
    name_blind BLOB NOT NULL,
    sealed     BLOB NOT NULL,
    digest     BLOB NOT NULL
) STRICT;

-- One stay of one worker on one project: dates are ISO 8601, days in China; left_on is the last day on site.
CREATE TABLE presence (
    project_id INTEGER NOT NULL REFERENCES project (id),
    worker_id  INTEGER NOT NULL REFERENCES worker (id),
    entered_on TEXT NOT NULL,
    left_on    TEXT CHECK (left_on IS NULL OR left_on >= entered_on),
    work_role  TEXT NOT NULL CHECK (work_role IN ('manager', 'worker')),
    team       TEXT NOT NULL,
    PRIMARY KEY (project_id, worker_id, entered_on)
) STRICT, WITHOUT ROWID;
CREATE INDEX presence_by_worker ON presence (worker_id);

CREATE TABLE attendance (
    project_id INTEGER NOT NULL REFERENCES project (id),
    worker_id  INTEGER NOT NULL REFERENCES worker (id),
    month      TEXT NOT NULL,
    days       INTEGER NOT NULL CHECK (days BETWEEN 0 AND 31),
    PRIMARY KEY (project_id, month, worker_id)
) STRICT, WITHOUT ROWID;

-- How a card stands, appended; the highest version stands, and a card without any is unverified. Evidence is a hash in the evidence store.
CREATE TABLE card_status (
    binding_id INTEGER NOT NULL REFERENCES binding (id),
    version    INTEGER NOT NULL CHECK (version >= 1),
    kind       TEXT NOT NULL CHECK (kind IN ('unknown', 'own_bank', 'other_bank', 'social_security', 'yunjianbao')),
    status     TEXT NOT NULL CHECK (status IN ('unverified', 'verified', 'invalid', 'replaced')),
    reason     TEXT,
    evidence   BLOB,
    by_whom    TEXT NOT NULL,
    at         INTEGER NOT NULL,
    PRIMARY KEY (binding_id, version)
) STRICT, WITHOUT ROWID;

-- Which card a worker's wages are to go to now; another worker's card never.
CREATE TABLE current_card (
    worker_id  INTEGER PRIMARY KEY REFERENCES worker (id),
    binding_id INTEGER NOT NULL UNIQUE REFERENCES binding (id)
) STRICT;
CREATE INDEX binding_by_account ON binding (account_blind);
