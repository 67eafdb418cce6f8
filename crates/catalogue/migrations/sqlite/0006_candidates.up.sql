-- What processing takes for near-duplicates; deduplication verifies and forgets it.
CREATE TABLE duplicate_candidates (
    blob_id      BLOB PRIMARY KEY,
    candidate_id BLOB    NOT NULL,
    shared       INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
