-- loses: training_runs, trained_contents, models, training_signals
DROP TABLE training_signals;
DROP TABLE models;
DROP TABLE trained_contents;
DROP TABLE training_runs;
