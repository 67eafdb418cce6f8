-- Errors that were met, folded by fingerprint. Times are milliseconds since the Unix epoch; the context is JSON, of the
-- latest occurrence.
CREATE TABLE errors (
    fingerprint TEXT    PRIMARY KEY,
    code        TEXT    NOT NULL,
    class       TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    component   TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    context     TEXT    NOT NULL,
    first_seen  INTEGER NOT NULL,
    last_seen   INTEGER NOT NULL,
    count       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX errors_by_last_seen ON errors (last_seen);
