-- What a deleted record was, where an edit may win over its delete.
ALTER TABLE records ADD COLUMN last TEXT;

-- Whom live records refer to and which unique values they hold; `authority::terms` says which.
CREATE TABLE terms (
    scope TEXT NOT NULL,
    term TEXT NOT NULL,
    entity TEXT NOT NULL,
    id TEXT NOT NULL,
    PRIMARY KEY (scope, term, entity, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX terms_by_record ON terms (scope, entity, id);

-- The declaration under which a tenant's terms were made.
CREATE TABLE terms_made (
    scope TEXT PRIMARY KEY NOT NULL,
    signature TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- What temporary ids stand for; each means something only to the user who made it.
CREATE TABLE temps (
    scope TEXT NOT NULL,
    user TEXT NOT NULL,
    temp_id TEXT NOT NULL,
    entity TEXT NOT NULL,
    real_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (scope, user, temp_id)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 2;
