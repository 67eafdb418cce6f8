-- Repositories as their forges describe them. `topics` and `languages` are JSON, `raw` is zstd. Times of the forge are
-- seconds since the Unix epoch, as it gives them; ours (`first_seen`, `last_listed`, `last_refreshed`, `checked_at`,
-- `gone_at` and all times of the other tables) are milliseconds. `name_key` is the name in lower case: forges tell names apart
-- no further.
CREATE TABLE hosted_repositories (
    forge          TEXT    NOT NULL,
    id             INTEGER NOT NULL,
    node_id        TEXT,
    full_name      TEXT    NOT NULL,
    name_key       TEXT    NOT NULL,
    clone_url      TEXT    NOT NULL,
    description    TEXT,
    homepage       TEXT,
    topics         TEXT    NOT NULL,
    licence        TEXT,
    language       TEXT,
    languages      TEXT    NOT NULL,
    stars          INTEGER,
    forks          INTEGER,
    watchers       INTEGER,
    open_issues    INTEGER,
    size_kib       INTEGER,
    fork           INTEGER NOT NULL,
    parent         INTEGER,
    archived       INTEGER NOT NULL,
    disabled       INTEGER NOT NULL,
    mirror         INTEGER NOT NULL,
    template       INTEGER NOT NULL,
    private        INTEGER NOT NULL,
    empty          INTEGER NOT NULL,
    default_branch TEXT,
    created_at     INTEGER,
    pushed_at      INTEGER,
    updated_at     INTEGER,
    raw            BLOB    NOT NULL,
    etag           TEXT,
    first_seen     INTEGER NOT NULL,
    last_listed    INTEGER,
    last_refreshed INTEGER,
    checked_at     INTEGER NOT NULL,
    state          TEXT    NOT NULL,
    gone_at        INTEGER,
    score          REAL,
    opt_out        TEXT,
    PRIMARY KEY (forge, id),
    CHECK ((state = 'listed') = (gone_at IS NULL))
) STRICT, WITHOUT ROWID;
CREATE INDEX hosted_repositories_by_check ON hosted_repositories (forge, checked_at);
CREATE INDEX hosted_repositories_by_stars ON hosted_repositories (stars);

-- Which names a repository has and had. `seen_to` is null while it has the name; one repository has a name at a time.
CREATE TABLE repository_names (
    forge     TEXT    NOT NULL,
    id        INTEGER NOT NULL,
    full_name TEXT    NOT NULL,
    name_key  TEXT    NOT NULL,
    seen_from INTEGER NOT NULL,
    seen_to   INTEGER,
    PRIMARY KEY (forge, id, name_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_names_by_name ON repository_names (forge, name_key);
CREATE UNIQUE INDEX repository_names_held ON repository_names (forge, name_key) WHERE seen_to IS NULL;

-- Listings under way and done. A listing that is begun again after its end starts afresh under the same number.
CREATE TABLE crawls (
    id         INTEGER PRIMARY KEY,
    forge      TEXT    NOT NULL,
    query      TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    state      TEXT    NOT NULL,
    UNIQUE (forge, query)
) STRICT;

-- `slice` is the slice as text, its bounds are in the columns after it. `passes` counts how often it was begun again.
CREATE TABLE crawl_slices (
    crawl_id     INTEGER NOT NULL REFERENCES crawls (id) ON DELETE CASCADE,
    slice        TEXT    NOT NULL,
    created_from INTEGER,
    created_to   INTEGER,
    stars_low    INTEGER,
    stars_high   INTEGER,
    state        TEXT    NOT NULL,
    cursor       TEXT,
    total        INTEGER,
    found        INTEGER NOT NULL,
    incomplete   INTEGER NOT NULL,
    skipped      INTEGER NOT NULL,
    passes       INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (crawl_id, slice)
) STRICT, WITHOUT ROWID;

-- What a listing has found: each repository once, however often it is listed.
CREATE TABLE crawl_repositories (
    crawl_id      INTEGER NOT NULL REFERENCES crawls (id) ON DELETE CASCADE,
    repository_id INTEGER NOT NULL,
    PRIMARY KEY (crawl_id, repository_id)
) STRICT, WITHOUT ROWID;
