-- loses: errors
DROP TABLE errors;
