-- The rules that a tenant's membership was worked out by.
ALTER TABLE tenants ADD COLUMN rules TEXT NOT NULL DEFAULT '';
-- Records of whole entities, by number.
CREATE INDEX records_by_entity ON records (scope, entity, number);
ALTER TABLE answers ADD COLUMN entity TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN deselected TEXT NOT NULL DEFAULT '[]';
ALTER TABLE sessions ADD COLUMN lists TEXT NOT NULL DEFAULT '{}';

-- Why a record is in a bucket: by its own fields or by hand (`via` empty), or because of another record in it.
CREATE TABLE supports (
    scope TEXT NOT NULL,
    entity TEXT NOT NULL,
    id TEXT NOT NULL,
    bucket TEXT NOT NULL,
    rule TEXT NOT NULL,
    via_entity TEXT NOT NULL,
    via_id TEXT NOT NULL,
    holds INTEGER NOT NULL,
    due INTEGER,
    PRIMARY KEY (scope, entity, id, bucket, rule, via_entity, via_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX supports_by_via ON supports (scope, via_entity, via_id) WHERE via_entity <> '';
CREATE INDEX supports_by_due ON supports (scope, bucket, due) WHERE due IS NOT NULL;
CREATE INDEX supports_by_bucket ON supports (scope, bucket) WHERE via_entity = '';

-- That a record is (or no longer is) in a bucket, and since which number.
CREATE TABLE members (
    scope TEXT NOT NULL,
    bucket TEXT NOT NULL,
    entity TEXT NOT NULL,
    id TEXT NOT NULL,
    sort BLOB NOT NULL,
    number INTEGER NOT NULL,
    live INTEGER NOT NULL,
    PRIMARY KEY (scope, bucket, entity, id)
) STRICT;
CREATE INDEX members_by_number ON members (scope, bucket, number);
CREATE INDEX members_by_sort ON members (scope, bucket, entity, sort);

-- The references that `refers_to` rules follow backwards.
CREATE TABLE links (
    scope TEXT NOT NULL,
    entity TEXT NOT NULL,
    id TEXT NOT NULL,
    field TEXT NOT NULL,
    to_entity TEXT NOT NULL,
    to_id TEXT NOT NULL,
    PRIMARY KEY (scope, entity, id, field, to_entity, to_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX links_by_target ON links (scope, to_entity, to_id);

PRAGMA user_version = 5;
