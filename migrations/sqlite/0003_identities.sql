-- Identities: whom the gateway knows, in which role and scope, and which certificates no longer count. What stands now is in `principal`;
-- every version that ever stood is appended to principal_version. Issuer is SHA-256 of the authority's name in DER.

CREATE TABLE principal (
    uri     TEXT PRIMARY KEY,
    role    TEXT NOT NULL CHECK (role IN ('operator', 'clerk', 'reviewer', 'approver', 'finance', 'supervisor', 'bank')),
    scope   TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
    version INTEGER NOT NULL CHECK (version >= 1),
    by_whom TEXT NOT NULL,
    at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE principal_version (
    uri     TEXT NOT NULL REFERENCES principal (uri),
    version INTEGER NOT NULL CHECK (version >= 1),
    role    TEXT NOT NULL,
    scope   TEXT NOT NULL,
    state   TEXT NOT NULL,
    by_whom TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (uri, version)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER principal_version_is_never_changed BEFORE UPDATE ON principal_version BEGIN SELECT RAISE(ABORT, 'the history of principals is append-only'); END;
CREATE TRIGGER principal_version_is_never_cut BEFORE DELETE ON principal_version BEGIN SELECT RAISE(ABORT, 'the history of principals is append-only'); END;

-- A revocation is for ever: the way back is a new certificate.
CREATE TABLE certificate_revoked (
    issuer  BLOB NOT NULL,
    serial  BLOB NOT NULL,
    reason  TEXT NOT NULL CHECK (reason IN ('key-compromise', 'left', 'superseded', 'unspecified')),
    by_whom TEXT NOT NULL,
    at      INTEGER NOT NULL,
    PRIMARY KEY (issuer, serial)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER certificate_revoked_is_never_changed BEFORE UPDATE ON certificate_revoked BEGIN SELECT RAISE(ABORT, 'a revocation is for ever'); END;
CREATE TRIGGER certificate_revoked_is_never_cut BEFORE DELETE ON certificate_revoked BEGIN SELECT RAISE(ABORT, 'a revocation is for ever'); END;

-- Certificates that came to the door and were let in; last_seen is true to the hour.
CREATE TABLE certificate_seen (
    issuer     BLOB NOT NULL,
    serial     BLOB NOT NULL,
    uri        TEXT NOT NULL,
    not_after  INTEGER NOT NULL,
    first_seen INTEGER NOT NULL,
    last_seen  INTEGER NOT NULL,
    PRIMARY KEY (issuer, serial)
) STRICT, WITHOUT ROWID;

-- The oldest doubt is asked for by every look at the gateway's health.
CREATE INDEX instruction_in_doubt ON instruction (planned_at) WHERE state = 'in_doubt';
