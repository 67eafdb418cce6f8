-- A training is a job: it is asked for, and canceled, in the queue.
DROP TABLE training_signals;
