//! Errors that were met.

use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::error::ErrorOccurrence;

use super::Sqlite;
use crate::catalogue::{ErrorRow, Errors, storable_count};
use crate::error::Error;

const RECORD: &str = "
    INSERT INTO errors (fingerprint, code, class, category, component, message, context, first_seen, last_seen, count)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, now, now, ?8 FROM (SELECT CAST(unixepoch('subsec') * 1000 AS INTEGER) AS now)
    WHERE true
    ON CONFLICT (fingerprint) DO UPDATE SET
        message = excluded.message, context = excluded.context,
        last_seen = excluded.last_seen, count = count + excluded.count
    RETURNING count = ?8";

const LIST: &str = "
    SELECT fingerprint, code, class, category, component, message, context, first_seen, last_seen, count FROM errors
    WHERE ?1 IS NULL OR last_seen >= CAST(unixepoch('subsec') * 1000 AS INTEGER) - ?1
    ORDER BY last_seen DESC, fingerprint LIMIT ?2";

const ONE: &str = "
    SELECT fingerprint, code, class, category, component, message, context, first_seen, last_seen, count FROM errors
    WHERE fingerprint = ?";

const FORGET: &str = "DELETE FROM errors WHERE ?1 IS NULL OR fingerprint = ?1";

#[async_trait]
impl Errors for Sqlite {
    async fn record_errors(&self, reports: &[(ErrorOccurrence, u64)]) -> Result<Vec<String>, Error> {
        let record = || async {
            let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
            let mut new = Vec::new();
            for (report, count) in reports {
                let fingerprint = report.fingerprint().to_string();
                let first: bool = sqlx::query_scalar(RECORD)
                    .bind(&fingerprint)
                    .bind(report.code.code())
                    .bind(report.code.class().as_str())
                    .bind(report.code.category().as_str())
                    .bind(&report.component)
                    .bind(&report.message)
                    .bind(serde_json::json!(report.context).to_string())
                    .bind(storable_count(*count))
                    .fetch_one(&mut *transaction)
                    .await?;
                if first {
                    new.push(fingerprint);
                }
            }
            transaction.commit().await?;
            Ok(new)
        };
        self.guard.run("record errors", record).await
    }

    async fn errors(&self, age: Option<Duration>, limit: u32) -> Result<Vec<ErrorRow>, Error> {
        let age = age.and_then(|age| i64::try_from(age.as_millis()).ok());
        let query = || {
            sqlx::query_as(LIST)
                .bind(age)
                .bind(i64::from(limit))
                .fetch_all(&self.pool)
        };
        self.guard.run("read the errors", query).await
    }

    async fn error(&self, fingerprint: &str) -> Result<Option<ErrorRow>, Error> {
        let query = || sqlx::query_as(ONE).bind(fingerprint).fetch_optional(&self.pool);
        self.guard.run("read an error", query).await
    }

    async fn forget_errors(&self, fingerprint: Option<&str>) -> Result<u64, Error> {
        let query = || sqlx::query(FORGET).bind(fingerprint).execute(&self.pool);
        self.guard
            .run("forget errors", query)
            .await
            .map(|done| done.rows_affected())
    }
}
