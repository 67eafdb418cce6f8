-- loses: nothing
-- renames: trainings to training_runs
ALTER TABLE repositories RENAME COLUMN license TO licence;
ALTER TABLE repositories RENAME COLUMN license_class TO licence_class;
ALTER TABLE repositories RENAME COLUMN license_rank TO licence_rank;
ALTER TABLE repositories RENAME COLUMN license_evidence TO licence_evidence;
ALTER TABLE hosted_repositories RENAME COLUMN license TO licence;
UPDATE repositories SET licence_evidence = replace(licence_evidence, '"license_file"', '"licence_file"');
UPDATE build_files SET reason = 'licence_not_allowed' WHERE reason = 'license_not_allowed';

ALTER TABLE jobs DROP CONSTRAINT jobs_state_check;
UPDATE jobs SET state = 'cancelled' WHERE state = 'canceled';
ALTER TABLE jobs ADD CONSTRAINT jobs_state_check CHECK (state IN ('queued', 'running', 'done', 'dead', 'cancelled'));

ALTER TABLE trainings RENAME TO training_runs;
ALTER TABLE training_runs RENAME CONSTRAINT trainings_pkey TO training_runs_pkey;
ALTER TABLE training_runs RENAME CONSTRAINT trainings_name_key TO training_runs_name_key;
ALTER SEQUENCE trainings_id_seq RENAME TO training_runs_id_seq;
ALTER INDEX trainings_open RENAME TO training_runs_open;
ALTER TABLE trained_contents RENAME COLUMN training_id TO run_id;
ALTER TABLE trained_contents RENAME CONSTRAINT trained_contents_training_id_fkey TO trained_contents_run_id_fkey;
ALTER TABLE models RENAME COLUMN training_id TO run_id;
ALTER TABLE models RENAME CONSTRAINT models_training_id_fkey TO models_run_id_fkey;
UPDATE training_runs SET state = 'cancelled' WHERE state = 'canceled';
