-- How far back a tenant's answers and tombstones have been collected (`authority::horizon`).
CREATE TABLE horizons (
    scope TEXT PRIMARY KEY NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX answers_by_age ON answers (at);
CREATE INDEX records_gone ON records (changed_at) WHERE deleted = 1;

PRAGMA user_version = 3;
