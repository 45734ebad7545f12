-- A tenant is named by its scope, `app/tenant`. `counter` is the number of its last change (law 12).
CREATE TABLE tenants (
    scope TEXT PRIMARY KEY NOT NULL,
    counter INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- `sort` is the id's UTF-16 units, big-endian: comparing its bytes is the order of IndexedDB (law 11).
CREATE TABLE records (
    scope TEXT NOT NULL,
    entity TEXT NOT NULL,
    id TEXT NOT NULL,
    sort BLOB NOT NULL,
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    data TEXT NOT NULL,
    stamps TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (scope, entity, id)
) STRICT;
CREATE UNIQUE INDEX records_by_number ON records (scope, number);
CREATE UNIQUE INDEX records_by_sort ON records (scope, entity, sort) WHERE deleted = 0;

-- The answers: one row for each op that was ever decided, written with its effect (law 3).
CREATE TABLE answers (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    number INTEGER NOT NULL,
    at INTEGER NOT NULL,
    answer TEXT NOT NULL,
    PRIMARY KEY (scope, id)
) STRICT;
CREATE INDEX answers_by_device ON answers (scope, device, number);

CREATE TABLE devices (
    scope TEXT NOT NULL,
    id TEXT NOT NULL,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    incarnation TEXT NOT NULL,
    request_no INTEGER NOT NULL,
    request_hash TEXT NOT NULL,
    seen_at INTEGER NOT NULL,
    PRIMARY KEY (scope, id)
) STRICT;
CREATE INDEX devices_by_user ON devices (scope, user);

-- The lives of the server, and the number each began behind.
CREATE TABLE runs (
    scope TEXT NOT NULL,
    nth INTEGER NOT NULL,
    id TEXT NOT NULL,
    first INTEGER NOT NULL,
    PRIMARY KEY (scope, nth)
) STRICT, WITHOUT ROWID;

CREATE TABLE settings (
    name TEXT PRIMARY KEY NOT NULL,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Refresh tokens, as hashes. `heir` is the first of a token's successors that was used.
CREATE TABLE sessions (
    hash BLOB PRIMARY KEY NOT NULL,
    family TEXT NOT NULL,
    parent BLOB,
    heir BLOB,
    user TEXT NOT NULL,
    tenant TEXT NOT NULL,
    app TEXT NOT NULL,
    roles TEXT NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_by_family ON sessions (family);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

PRAGMA user_version = 1;
