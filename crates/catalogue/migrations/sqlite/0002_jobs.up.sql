-- Work to do. Times are milliseconds since the Unix epoch.
CREATE TABLE jobs (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    key           TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    run           TEXT    NOT NULL,
    step          INTEGER NOT NULL,
    priority      INTEGER NOT NULL,
    version       INTEGER NOT NULL,
    payload       TEXT    NOT NULL,
    trace_parent  TEXT,
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
    attempts      INTEGER NOT NULL DEFAULT 0,
    vanished      INTEGER NOT NULL DEFAULT 0,
    run_at        INTEGER NOT NULL,
    enqueued_at   INTEGER NOT NULL,
    started_at    INTEGER,
    finished_at   INTEGER,
    worker        TEXT,
    lease         INTEGER NOT NULL DEFAULT 0,
    lease_until   INTEGER,
    result        TEXT,
    error_code    TEXT,
    error_message TEXT
) STRICT;
-- Once per key: a job that is not over yet, or is dead and may be queued again, bars another one of its key.
CREATE UNIQUE INDEX jobs_open_keys ON jobs (key) WHERE state IN ('queued', 'running', 'dead');
CREATE INDEX jobs_ready ON jobs (priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';
-- The steps of a run wait for each other.
CREATE INDEX jobs_open_steps ON jobs (run, step) WHERE state IN ('queued', 'running', 'dead');
