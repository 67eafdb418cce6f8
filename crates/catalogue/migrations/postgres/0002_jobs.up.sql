-- Work to do. Times are milliseconds since the Unix epoch.
CREATE TABLE jobs (
    id            BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key           TEXT    COLLATE "C" NOT NULL,
    name          TEXT    COLLATE "C" NOT NULL,
    run           TEXT    COLLATE "C" NOT NULL,
    step          BIGINT  NOT NULL,
    priority      BIGINT  NOT NULL,
    version       BIGINT  NOT NULL,
    payload       TEXT    NOT NULL,
    trace_parent  TEXT,
    state         TEXT    COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled')),
    attempts      BIGINT  NOT NULL DEFAULT 0,
    vanished      BIGINT  NOT NULL DEFAULT 0,
    run_at        BIGINT  NOT NULL,
    enqueued_at   BIGINT  NOT NULL,
    started_at    BIGINT ,
    finished_at   BIGINT ,
    worker        TEXT,
    lease         BIGINT  NOT NULL DEFAULT 0,
    lease_until   BIGINT ,
    result        TEXT,
    error_code    TEXT,
    error_message TEXT
);
-- Once per key: a job that is not over yet, or is dead and may be queued again, bars another one of its key.
CREATE UNIQUE INDEX jobs_open_keys ON jobs (key) WHERE state IN ('queued', 'running', 'dead');
CREATE INDEX jobs_ready ON jobs (priority DESC, id) WHERE state = 'queued';
CREATE INDEX jobs_leased ON jobs (lease_until) WHERE state = 'running';
-- The steps of a run wait for each other.
CREATE INDEX jobs_open_steps ON jobs (run, step) WHERE state IN ('queued', 'running', 'dead');
