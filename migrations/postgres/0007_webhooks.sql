-- What is told to others: subscriptions, what happened (appended in the transaction that did it, without people), and every try to tell it.

CREATE TABLE webhook (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- Public, and what the secrets are sealed to.
    code       BYTEA NOT NULL UNIQUE CHECK (length(code) = 16),
    owner      TEXT NOT NULL,
    -- What it is about: one project, a region (prefix of a GB/T 2260 code), or everything.
    project    TEXT REFERENCES project (code),
    region     TEXT,
    url        TEXT NOT NULL,
    -- Codes with spaces between them; empty for all.
    kinds      TEXT NOT NULL,
    -- Authority that the receiver's certificate must come from, PEM.
    ca         TEXT,
    secret     BYTEA NOT NULL,
    -- The secret before the last change signs too, until then.
    former       BYTEA,
    former_until BIGINT,
    state      TEXT NOT NULL CHECK (state IN ('active', 'paused')),
    -- Tries without success since the last success: how long the receiver is left alone.
    failures   BIGINT NOT NULL DEFAULT 0,
    rests_until BIGINT NOT NULL DEFAULT 0,
    at         BIGINT NOT NULL,
    CONSTRAINT about_one_place CHECK (project IS NULL OR region IS NULL),
    CONSTRAINT a_former_secret_ends CHECK ((former IS NULL) = (former_until IS NULL))
);

CREATE TABLE notice (
    id      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind    TEXT NOT NULL,
    project TEXT NOT NULL,
    region  TEXT NOT NULL,
    bank    TEXT NOT NULL,
    data    TEXT NOT NULL,
    at      BIGINT NOT NULL
);
CREATE INDEX notice_by_time ON notice (at, id);

CREATE TABLE delivery (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id BIGINT NOT NULL REFERENCES webhook (id),
    notice_id  BIGINT NOT NULL REFERENCES notice (id),
    state      TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given_up')),
    tries      BIGINT NOT NULL DEFAULT 0,
    next_at    BIGINT NOT NULL,
    at         BIGINT NOT NULL
);
CREATE INDEX delivery_waiting ON delivery (webhook_id, next_at) WHERE state = 'waiting';
CREATE INDEX delivery_by_webhook ON delivery (webhook_id, id);
CREATE INDEX delivery_given_up ON delivery (webhook_id) WHERE state = 'given_up';

CREATE TABLE delivery_try (
    delivery_id BIGINT NOT NULL REFERENCES delivery (id),
    try_no      BIGINT NOT NULL,
    at          BIGINT NOT NULL,
    -- The receiver's status; absent where no answer came.
    status      BIGINT,
    answer      TEXT NOT NULL,
    PRIMARY KEY (delivery_id, try_no)
);

CREATE FUNCTION notice_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'what was told is never changed'; END $$;
CREATE TRIGGER notice_is_never_changed BEFORE UPDATE ON notice FOR EACH STATEMENT EXECUTE FUNCTION notice_is_append_only();
