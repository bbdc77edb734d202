-- What may have left, what may be asked, and a database that went back in time.

-- Every send, written with its intent before the first byte. The highest number is also noted outside the database: a database that knows a lower
-- one went back in time (invariant 14). A line without an instruction closes the gap that a restore left.
CREATE TABLE send (
    number         INTEGER PRIMARY KEY AUTOINCREMENT,
    instruction_id INTEGER REFERENCES instruction (id),
    at             INTEGER NOT NULL
) STRICT;
CREATE INDEX send_by_instruction ON send (instruction_id);
CREATE TRIGGER send_is_never_changed BEFORE UPDATE ON send BEGIN SELECT RAISE(ABORT, 'sends are append-only'); END;
CREATE TRIGGER send_is_never_cut BEFORE DELETE ON send BEGIN SELECT RAISE(ABORT, 'sends are append-only'); END;
INSERT INTO send (instruction_id, at) SELECT id, intent_at FROM instruction WHERE intent_at IS NOT NULL ORDER BY intent_at, id;

-- How often the bank was asked about it; noted before it is asked.
ALTER TABLE instruction ADD COLUMN queries INTEGER NOT NULL DEFAULT 0 CHECK (queries >= 0);
-- Set while it may have been sent by a database that was lost: the bank is asked first. The moment by which all that left had left.
ALTER TABLE instruction ADD COLUMN ask_first_since INTEGER;

-- A database that went back in time: when that was found, the highest send it knew, and the highest that was noted outside.
CREATE TABLE restored (
    id        INTEGER PRIMARY KEY,
    at        INTEGER NOT NULL,
    found     INTEGER NOT NULL,
    witnessed INTEGER NOT NULL
) STRICT;

-- What could not be matched may be, once the bank proves to have what this store had never sent.
ALTER TABLE suspense ADD COLUMN settled_at INTEGER;
-- The bank's key of the instruction that it spoke of, where it named one.
ALTER TABLE suspense ADD COLUMN named TEXT;
CREATE INDEX suspense_by_name ON suspense (bank, named) WHERE settled_at IS NULL AND named IS NOT NULL;
-- Set when a document is to be read once more from its beginning, by whoever ends its reading.
ALTER TABLE raw_document ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
