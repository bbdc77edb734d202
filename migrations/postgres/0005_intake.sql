-- What intake asks and keeps: whether a sheet came before, what a worker is owed elsewhere, the warnings that a sheet was taken with, and
-- the rows that somebody left out of it by name. No clear value of a person is in any of them.

CREATE INDEX batch_by_sheet ON batch (sheet);

-- What else a worker is owed this month, and was last month, whatever the project.
CREATE INDEX wage_slot_by_worker ON wage_slot (worker_id, pay_month);

CREATE TABLE batch_warning (
    batch_id   BIGINT NOT NULL REFERENCES batch (id),
    ordinal    BIGINT NOT NULL,
    sheet      TEXT NOT NULL,
    row_no     BIGINT NOT NULL,
    column_name TEXT NOT NULL,
    code       TEXT NOT NULL,
    message_zh TEXT NOT NULL,
    message_en TEXT NOT NULL,
    fix_zh     TEXT NOT NULL,
    fix_en     TEXT NOT NULL,
    PRIMARY KEY (batch_id, ordinal)
);

-- One line for each problem of a row that was left out; the row is nowhere else.
CREATE TABLE batch_left_out (
    batch_id BIGINT NOT NULL REFERENCES batch (id),
    row_no   BIGINT NOT NULL,
    code     TEXT NOT NULL,
    PRIMARY KEY (batch_id, row_no, code)
);
