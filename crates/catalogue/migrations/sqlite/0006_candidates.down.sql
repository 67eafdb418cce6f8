-- loses: duplicate_candidates
DROP TABLE duplicate_candidates;
