-- Errors that were met, folded by fingerprint. Times are milliseconds since the Unix epoch; the context is JSON, of the
-- latest occurrence.
CREATE TABLE errors (
    fingerprint TEXT    COLLATE "C" PRIMARY KEY,
    code        TEXT    NOT NULL,
    class       TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    component   TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    context     TEXT    NOT NULL,
    first_seen  BIGINT  NOT NULL,
    last_seen   BIGINT  NOT NULL,
    count       BIGINT  NOT NULL
);
CREATE INDEX errors_by_last_seen ON errors (last_seen);
