-- loses: jobs
DROP TABLE jobs;
