-- One name for one thing, in US spelling, before others rely on the names.
ALTER TABLE repositories RENAME COLUMN licence TO license;
ALTER TABLE repositories RENAME COLUMN licence_class TO license_class;
ALTER TABLE repositories RENAME COLUMN licence_rank TO license_rank;
ALTER TABLE repositories RENAME COLUMN licence_evidence TO license_evidence;
ALTER TABLE hosted_repositories RENAME COLUMN licence TO license;
UPDATE repositories SET license_evidence = replace(license_evidence, '"licence_file"', '"license_file"');
UPDATE build_files SET reason = 'license_not_allowed' WHERE reason = 'licence_not_allowed';

-- A check cannot be altered here, so the table is made anew; its numbers are not given out twice.
DROP INDEX jobs_open_keys;
DROP INDEX jobs_ready;
DROP INDEX jobs_leased;
DROP INDEX jobs_open_steps;
ALTER TABLE jobs RENAME TO jobs_before;
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
    state         TEXT    NOT NULL CHECK (state IN ('queued', 'running', 'done', 'dead', 'canceled')),
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
INSERT INTO jobs (id, key, name, run, step, priority, version, payload, trace_parent, state, attempts, vanished, run_at, enqueued_at,
    started_at, finished_at, worker, lease, lease_until, result, error_code, error_message)
SELECT id, key, name, run, step, priority, version, payload, trace_parent, CASE state WHEN 'cancelled' THEN 'canceled' ELSE state END, attempts, vanished, run_at, enqueued_at,
    started_at, finished_at, worker, lease, lease_until, result, error_code, error_message
FROM jobs_before;
DELETE FROM sqlite_sequence WHERE name = 'jobs';
UPDATE sqlite_sequence SET name = 'jobs' WHERE name = 'jobs_before';
DROP TABLE jobs_before;

-- A run is the jobs of one command; what a trainer does is a training.
DROP INDEX training_runs_open;
ALTER TABLE training_runs RENAME TO trainings;
ALTER TABLE trained_contents RENAME COLUMN run_id TO training_id;
ALTER TABLE models RENAME COLUMN run_id TO training_id;
UPDATE trainings SET state = 'canceled' WHERE state = 'cancelled';
CREATE UNIQUE INDEX trainings_open ON trainings ((1)) WHERE finished_at IS NULL;
