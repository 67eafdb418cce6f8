//! The earlier system's way: one table with the contents in it, one INSERT for each file, fifty in a transaction.

use std::time::{Duration, Instant};

use sqlx::{Connection, PgConnection};

use crate::files::SourceFile;

/// Its `processed_files` as its processor made it.
const TABLES: &str = "
    CREATE TABLE processing_jobs (id SERIAL PRIMARY KEY, repo_path TEXT UNIQUE);
    INSERT INTO processing_jobs (repo_path) VALUES ('all');
    CREATE TABLE processed_files (
        id SERIAL PRIMARY KEY, job_id INTEGER REFERENCES processing_jobs (id), file_path TEXT, relative_path TEXT,
        content TEXT, language TEXT, lines INTEGER, size BIGINT, hash TEXT UNIQUE, repo_name TEXT,
        processed_at TIMESTAMP DEFAULT now(), quality_score INTEGER
    );
    CREATE INDEX ON processed_files (job_id);
    CREATE INDEX ON processed_files (language);
    CREATE INDEX ON processed_files (quality_score);
    CREATE INDEX ON processed_files (repo_name);";

const INSERT: &str = "
    INSERT INTO processed_files
        (job_id, file_path, relative_path, content, language, lines, size, hash, repo_name, quality_score)
    VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8, $9)
    ON CONFLICT (hash) DO NOTHING";

const ROWS_PER_TRANSACTION: usize = 50;

pub(crate) async fn insert(url: &str, files: &[SourceFile]) -> Result<Duration, sqlx::Error> {
    let mut connection = PgConnection::connect(url).await?;
    sqlx::raw_sql(TABLES).execute(&mut connection).await?;
    let hashes: Vec<String> = files.iter().map(|file| file.blob.to_string()).collect();
    let started = Instant::now();
    for (files, hashes) in files
        .chunks(ROWS_PER_TRANSACTION)
        .zip(hashes.chunks(ROWS_PER_TRANSACTION))
    {
        let mut transaction = connection.begin().await?;
        for (file, hash) in files.iter().zip(hashes) {
            let lines = file.text.bytes().filter(|byte| *byte == b'\n').count();
            sqlx::query(INSERT)
                .bind(file.path.to_str())
                .bind(&file.relative)
                .bind(&file.text)
                .bind("Rust")
                .bind(i32::try_from(lines).unwrap_or(i32::MAX))
                .bind(i64::try_from(file.text.len()).unwrap_or(i64::MAX))
                // As long as its MD5.
                .bind(&hash[..32])
                .bind(&file.package)
                .bind(i32::from(file.blob.as_bytes()[0] % 100))
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
    }
    let elapsed = started.elapsed();
    connection.close().await?;
    Ok(elapsed)
}
