-- Who kept which document for what project: a hash alone is evidence for nobody, however many know it. The bytes lie in the evidence store.

CREATE TABLE kept_document (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    hash       BYTEA NOT NULL,
    by_whom    TEXT NOT NULL,
    -- Absent where it was kept for no project: then it is its keeper's alone.
    project_id BIGINT REFERENCES project (id),
    media_type TEXT NOT NULL,
    size       BIGINT NOT NULL CHECK (size > 0),
    at         BIGINT NOT NULL
);
CREATE UNIQUE INDEX kept_once ON kept_document (hash, by_whom, COALESCE(project_id, 0));
CREATE FUNCTION kept_document_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was kept is append-only'; END $$;
CREATE TRIGGER kept_document_is_never_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON kept_document FOR EACH STATEMENT EXECUTE FUNCTION kept_document_is_append_only();

INSERT INTO kept_document (hash, by_whom, project_id, media_type, size, at)
SELECT e.hash, e.by_whom, b.project_id, 'application/octet-stream', max(e.size), min(e.at)
FROM batch_evidence e JOIN batch b ON b.id = e.batch_id GROUP BY e.hash, e.by_whom, b.project_id;
