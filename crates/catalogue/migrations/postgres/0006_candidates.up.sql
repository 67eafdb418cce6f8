-- What processing takes for near-duplicates; deduplication verifies and forgets it.
CREATE TABLE duplicate_candidates (
    blob_id      BYTEA PRIMARY KEY,
    candidate_id BYTEA  NOT NULL,
    shared       BIGINT NOT NULL
);
