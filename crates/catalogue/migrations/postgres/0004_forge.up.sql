-- Repositories as their forges describe them. `topics` and `languages` are JSON, `raw` is zstd. Times of the forge are
-- seconds since the Unix epoch, as it gives them; ours (`first_seen`, `last_listed`, `last_refreshed`, `checked_at`,
-- `gone_at` and all times of the other tables) are milliseconds. `name_key` is the name in lower case: forges tell names apart
-- no further.
CREATE TABLE hosted_repositories (
    forge          TEXT    COLLATE "C" NOT NULL,
    id             BIGINT  NOT NULL,
    node_id        TEXT,
    full_name      TEXT    COLLATE "C" NOT NULL,
    name_key       TEXT    COLLATE "C" NOT NULL,
    clone_url      TEXT    NOT NULL,
    description    TEXT,
    homepage       TEXT,
    topics         TEXT    NOT NULL,
    licence        TEXT,
    language       TEXT,
    languages      TEXT    NOT NULL,
    stars          BIGINT,
    forks          BIGINT,
    watchers       BIGINT,
    open_issues    BIGINT,
    size_kib       BIGINT,
    fork           BOOLEAN NOT NULL,
    parent         BIGINT,
    archived       BOOLEAN NOT NULL,
    disabled       BOOLEAN NOT NULL,
    mirror         BOOLEAN NOT NULL,
    template       BOOLEAN NOT NULL,
    private        BOOLEAN NOT NULL,
    empty          BOOLEAN NOT NULL,
    default_branch TEXT,
    created_at     BIGINT,
    pushed_at      BIGINT,
    updated_at     BIGINT,
    raw            BYTEA   NOT NULL,
    etag           TEXT,
    first_seen     BIGINT  NOT NULL,
    last_listed    BIGINT,
    last_refreshed BIGINT,
    checked_at     BIGINT  NOT NULL,
    state          TEXT    COLLATE "C" NOT NULL,
    gone_at        BIGINT,
    score          DOUBLE PRECISION,
    opt_out        TEXT,
    PRIMARY KEY (forge, id),
    CHECK ((state = 'listed') = (gone_at IS NULL))
);
CREATE INDEX hosted_repositories_by_check ON hosted_repositories (forge, checked_at);
CREATE INDEX hosted_repositories_by_stars ON hosted_repositories (stars);

-- Which names a repository has and had. `seen_to` is null while it has the name; one repository has a name at a time.
CREATE TABLE repository_names (
    forge     TEXT    COLLATE "C" NOT NULL,
    id        BIGINT  NOT NULL,
    full_name TEXT    COLLATE "C" NOT NULL,
    name_key  TEXT    COLLATE "C" NOT NULL,
    seen_from BIGINT  NOT NULL,
    seen_to   BIGINT,
    PRIMARY KEY (forge, id, name_key)
);
CREATE INDEX repository_names_by_name ON repository_names (forge, name_key);
CREATE UNIQUE INDEX repository_names_held ON repository_names (forge, name_key) WHERE seen_to IS NULL;

-- Listings under way and done. A listing that is begun again after its end starts afresh under the same number.
CREATE TABLE crawls (
    id         BIGINT  GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    forge      TEXT    COLLATE "C" NOT NULL,
    query      TEXT    COLLATE "C" NOT NULL,
    created_at BIGINT  NOT NULL,
    updated_at BIGINT  NOT NULL,
    state      TEXT    COLLATE "C" NOT NULL,
    UNIQUE (forge, query)
);

-- `slice` is the slice as text, its bounds are in the columns after it. `passes` counts how often it was begun again.
CREATE TABLE crawl_slices (
    crawl_id     BIGINT  NOT NULL REFERENCES crawls (id) ON DELETE CASCADE,
    slice        TEXT    COLLATE "C" NOT NULL,
    created_from BIGINT,
    created_to   BIGINT,
    stars_low    BIGINT,
    stars_high   BIGINT,
    state        TEXT    COLLATE "C" NOT NULL,
    cursor       TEXT,
    total        BIGINT,
    found        BIGINT  NOT NULL,
    incomplete   BOOLEAN NOT NULL,
    skipped      BIGINT  NOT NULL,
    passes       BIGINT  NOT NULL,
    updated_at   BIGINT  NOT NULL,
    PRIMARY KEY (crawl_id, slice)
);

-- What a listing has found: each repository once, however often it is listed.
CREATE TABLE crawl_repositories (
    crawl_id      BIGINT  NOT NULL REFERENCES crawls (id) ON DELETE CASCADE,
    repository_id BIGINT  NOT NULL,
    PRIMARY KEY (crawl_id, repository_id)
);
