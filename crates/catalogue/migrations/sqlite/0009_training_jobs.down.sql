-- loses: nothing
-- makes: training_signals
CREATE TABLE training_signals (
    name    TEXT PRIMARY KEY,
    sent_at INTEGER NOT NULL
) STRICT;
