-- One name for one thing, in US spelling, before others rely on the names.
ALTER TABLE repositories RENAME COLUMN licence TO license;
ALTER TABLE repositories RENAME COLUMN licence_class TO license_class;
ALTER TABLE repositories RENAME COLUMN licence_rank TO license_rank;
ALTER TABLE repositories RENAME COLUMN licence_evidence TO license_evidence;
ALTER TABLE hosted_repositories RENAME COLUMN licence TO license;
UPDATE repositories SET license_evidence = replace(license_evidence, '"licence_file"', '"license_file"');
UPDATE build_files SET reason = 'license_not_allowed' WHERE reason = 'licence_not_allowed';

ALTER TABLE jobs DROP CONSTRAINT jobs_state_check;
UPDATE jobs SET state = 'canceled' WHERE state = 'cancelled';
ALTER TABLE jobs ADD CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'done', 'dead', 'canceled'));

-- A run is the jobs of one command; what a trainer does is a training.
ALTER TABLE training_runs RENAME TO trainings;
ALTER TABLE trainings RENAME CONSTRAINT training_runs_pkey TO trainings_pkey;
ALTER TABLE trainings RENAME CONSTRAINT training_runs_name_key TO trainings_name_key;
ALTER SEQUENCE training_runs_id_seq RENAME TO trainings_id_seq;
ALTER INDEX training_runs_open RENAME TO trainings_open;
ALTER TABLE trained_contents RENAME COLUMN run_id TO training_id;
ALTER TABLE trained_contents RENAME CONSTRAINT trained_contents_run_id_fkey TO trained_contents_training_id_fkey;
ALTER TABLE models RENAME COLUMN run_id TO training_id;
ALTER TABLE models RENAME CONSTRAINT models_run_id_fkey TO models_training_id_fkey;
UPDATE trainings SET state = 'canceled' WHERE state = 'cancelled';
