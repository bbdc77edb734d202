-- Who kept which document for what project: a hash alone is evidence for nobody, however many know it. The bytes lie in the evidence store.

CREATE TABLE kept_document (
    id         INTEGER PRIMARY KEY,
    hash       BLOB NOT NULL,
    by_whom    TEXT NOT NULL,
    -- Absent where it was kept for no project: then it is its keeper's alone.
    project_id INTEGER REFERENCES project (id),
    media_type TEXT NOT NULL,
    size       INTEGER NOT NULL CHECK (size > 0),
    at         INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX kept_once ON kept_document (hash, by_whom, COALESCE(project_id, 0));
CREATE TRIGGER kept_document_is_never_changed BEFORE UPDATE ON kept_document BEGIN SELECT RAISE(ABORT, 'what was kept is append-only'); END;
CREATE TRIGGER kept_document_is_never_cut BEFORE DELETE ON kept_document BEGIN SELECT RAISE(ABORT, 'what was kept is append-only'); END;

INSERT INTO kept_document (hash, by_whom, project_id, media_type, size, at)
SELECT e.hash, e.by_whom, b.project_id, 'application/octet-stream', max(e.size), min(e.at)
FROM batch_evidence e JOIN batch b ON b.id = e.batch_id GROUP BY e.hash, e.by_whom, b.project_id;
