-- What models were trained on what, and which of them is in use.
CREATE TABLE training_runs (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name         TEXT    NOT NULL UNIQUE,
    state        TEXT    NOT NULL,
    base         TEXT    NOT NULL,
    parent       TEXT,
    build        TEXT    NOT NULL,
    data         TEXT,
    engine       TEXT,
    config       TEXT    NOT NULL,
    figures      TEXT,
    error_code   TEXT,
    error        TEXT,
    started_at   BIGINT NOT NULL,
    finished_at  BIGINT
);

-- One run at a time.
CREATE UNIQUE INDEX training_runs_open ON training_runs ((1)) WHERE finished_at IS NULL;

-- The cursor: a content is in it once, with the run that learnt it.
CREATE TABLE trained_contents (
    line     TEXT    NOT NULL,
    blob_id  BYTEA   NOT NULL,
    run_id   BIGINT NOT NULL REFERENCES training_runs (id) ON DELETE CASCADE,
    PRIMARY KEY (line, blob_id)
);

CREATE TABLE models (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    kind        TEXT    NOT NULL,
    line        TEXT    NOT NULL,
    base        TEXT,
    parent      TEXT,
    run_id      BIGINT REFERENCES training_runs (id) ON DELETE SET NULL,
    state       TEXT    NOT NULL,
    loss        DOUBLE PRECISION,
    evaluation  TEXT,
    created_at  BIGINT NOT NULL,
    promoted_at BIGINT
);

-- What the trainer is asked to do by others: `start` and `cancel`.
CREATE TABLE training_signals (
    name    TEXT PRIMARY KEY,
    sent_at BIGINT NOT NULL
);
