-- One row: which catalogue this is, so that a data folder of another one is refused; and a number that grows with every
-- change of the files, so that what is derived from them is never stored over newer ones.
CREATE TABLE catalogue (
    id         TEXT    NOT NULL,
    generation INTEGER NOT NULL
) STRICT;
INSERT INTO catalogue (id, generation) VALUES (lower(hex(randomblob(16))), 0);

CREATE TABLE repositories (
    id               INTEGER PRIMARY KEY,
    name             TEXT    NOT NULL UNIQUE,
    forge            TEXT    NOT NULL,
    origin           TEXT    NOT NULL,
    location         TEXT    NOT NULL,
    family           TEXT    NOT NULL,
    commit_id        TEXT,
    revision         TEXT    NOT NULL,
    stars            INTEGER,
    fork             INTEGER NOT NULL,
    committed_at     INTEGER,
    licence          TEXT,
    licence_class    TEXT    NOT NULL,
    licence_rank     INTEGER NOT NULL,
    licence_evidence TEXT    NOT NULL,
    recipe           TEXT    NOT NULL,
    error_code       TEXT,
    error_message    TEXT
) STRICT;

CREATE INDEX repositories_by_location ON repositories (location);

CREATE TABLE segments (
    id    INTEGER PRIMARY KEY,
    name  TEXT    NOT NULL UNIQUE,
    bytes INTEGER NOT NULL,
    rows  INTEGER NOT NULL
) STRICT;

-- One row for each unique blob under one file name and one recipe: the name takes part in deciding the language, and what
-- was decided by other rules stays valid for the repositories that were processed by them.
CREATE TABLE contents (
    id          INTEGER PRIMARY KEY,
    blob_id     BLOB    NOT NULL,
    file_name   TEXT    NOT NULL,
    bytes       INTEGER NOT NULL,
    recipe      TEXT    NOT NULL,
    language    TEXT,
    reason      TEXT,
    quality     INTEGER NOT NULL,
    text_bytes  INTEGER NOT NULL,
    redactions  INTEGER NOT NULL,
    segment_id  INTEGER NOT NULL REFERENCES segments (id),
    segment_row INTEGER NOT NULL,
    UNIQUE (blob_id, file_name, recipe)
) STRICT;

CREATE INDEX contents_by_segment ON contents (segment_id);

-- Ids are never used again: builds and duplicates name files that may be gone.
CREATE TABLE files (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    repository_id INTEGER NOT NULL REFERENCES repositories (id) ON DELETE CASCADE,
    path          BLOB    NOT NULL,
    bytes         INTEGER,
    reason        TEXT,
    detail        TEXT,
    content_id    INTEGER REFERENCES contents (id),
    UNIQUE (repository_id, path),
    CHECK ((reason IS NULL) <> (content_id IS NULL))
) STRICT;
CREATE INDEX files_by_content ON files (content_id);

CREATE TABLE duplicates (
    file_id      INTEGER PRIMARY KEY REFERENCES files (id) ON DELETE CASCADE,
    reason       TEXT    NOT NULL,
    kept_file_id INTEGER NOT NULL,
    jaccard      REAL    NOT NULL
) STRICT;

CREATE TABLE builds (
    id         INTEGER PRIMARY KEY,
    name       TEXT    NOT NULL UNIQUE,
    digest     TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    manifest   TEXT    NOT NULL
) STRICT;

CREATE TABLE build_files (
    build_id INTEGER NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    file_id  INTEGER NOT NULL,
    split    TEXT,
    reason   TEXT,
    PRIMARY KEY (build_id, file_id),
    CHECK ((reason IS NULL) <> (split IS NULL))
) STRICT, WITHOUT ROWID;

-- What the derived tables were computed from, so that a stage that has nothing new to do says so.
CREATE TABLE stages (
    name  TEXT PRIMARY KEY,
    state TEXT NOT NULL
) STRICT, WITHOUT ROWID;
