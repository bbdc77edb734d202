-- Change of sealing keys: which one is current, which ones each gateway knows, and how far what was sealed before is sealed anew.

CREATE TABLE sealing_key (
    single   INTEGER PRIMARY KEY CHECK (single = 1),
    -- The key that seals now; absent until the first gateway begins.
    id       INTEGER,
    print    BLOB,
    -- Tells the blind keys from others; they never change.
    blind    BLOB,
    by_whom  TEXT NOT NULL,
    since    INTEGER NOT NULL,
    CONSTRAINT a_key_is_whole CHECK ((id IS NULL) = (print IS NULL) AND (id IS NULL) = (blind IS NULL))
) STRICT;
INSERT INTO sealing_key (single, by_whom, since) VALUES (1, '', 0);

CREATE TABLE gateway_key (
    gateway TEXT NOT NULL,
    id      INTEGER NOT NULL,
    print   BLOB NOT NULL,
    -- 1 for the key that this gateway seals with.
    seals   INTEGER NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (gateway, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE resealing (
    single     INTEGER PRIMARY KEY CHECK (single = 1),
    key_id     INTEGER NOT NULL,
    -- Where it stands: the place, and the last row or file looked at there.
    place      TEXT NOT NULL,
    after_text TEXT NOT NULL,
    after_int  INTEGER NOT NULL,
    -- Sealed anew since this walk over everything began; a walk that changes nothing is the last.
    changed    INTEGER NOT NULL,
    -- Sealed anew since the key became current.
    row_count  INTEGER NOT NULL,
    file_count INTEGER NOT NULL
) STRICT;
