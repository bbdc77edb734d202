-- Requests under a key that their caller chose (Idempotency-Key), with the answer that was given. Without a status the request runs, under a
-- lease; a key whose request died is taken over as a new row, so that a late answer of the dead one finds none. The version is the
-- principal's when the key was taken: who has another role or scope since is not shown what they might no longer see.
CREATE TABLE keyed_request (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    principal   TEXT NOT NULL,
    key         TEXT NOT NULL,
    version     BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    lease_until BIGINT NOT NULL,
    content     BYTEA,
    status      BIGINT,
    headers     TEXT,
    body        BYTEA,
    UNIQUE (principal, key),
    CONSTRAINT an_answer_is_whole CHECK ((status IS NULL) = (content IS NULL) AND (status IS NULL) = (headers IS NULL))
);
CREATE INDEX keyed_request_by_age ON keyed_request (at);
