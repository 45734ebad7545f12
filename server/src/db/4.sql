-- Under which version of its application's schema an answer was given.
ALTER TABLE answers ADD COLUMN schema INTEGER NOT NULL DEFAULT 0;

-- Which version of an application's schema its rows follow, and, while they are being moved to another one, how far that has
-- come: the version they will follow and the last row that does.
CREATE TABLE shapes (
    app TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    goal INTEGER,
    after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 4;
