//! Errors that were met.

use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::error::ErrorOccurrence;
use codelupe_telemetry::Operation;

use super::{Store, now};
use crate::error::Error;
use crate::rows::{ErrorRow, Errors, storable, storable_count};

const RECORD: &str = "
    INSERT INTO errors (fingerprint, code, class, category, component, message, context, first_seen, last_seen, count)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $9)
    ON CONFLICT (fingerprint) DO UPDATE SET
        message = excluded.message, context = excluded.context,
        last_seen = excluded.last_seen, count = errors.count + excluded.count
    RETURNING count = $9";

const LIST: &str = "
    SELECT fingerprint, code, class, category, component, message, context, first_seen, last_seen, count FROM errors
    WHERE last_seen >= $1
    ORDER BY last_seen DESC, fingerprint LIMIT $2";

const ONE: &str = "
    SELECT fingerprint, code, class, category, component, message, context, first_seen, last_seen, count FROM errors
    WHERE fingerprint = $1";

const FORGET: &str = "DELETE FROM errors WHERE CAST($1 AS TEXT) IS NULL OR fingerprint = $1";

#[async_trait]
impl Errors for Store {
    async fn record_errors(&self, occurrences: &[(ErrorOccurrence, u64)]) -> Result<Vec<String>, Error> {
        let doing = Operation::RecordErrors;
        let fail = |error| Error::database(doing, error);
        let record = || async {
            let mut transaction = self.begin(None).await?;
            let now = now(&mut transaction).await?;
            let mut new = Vec::new();
            for (occurrence, count) in occurrences {
                let fingerprint = occurrence.fingerprint().to_string();
                let first: bool = sqlx::query_scalar(RECORD)
                    .bind(&fingerprint)
                    .bind(occurrence.code.code())
                    .bind(occurrence.code.class().as_str())
                    .bind(occurrence.code.category().as_str())
                    .bind(storable(&occurrence.component))
                    .bind(storable(&occurrence.message))
                    .bind(serde_json::json!(occurrence.context).to_string())
                    .bind(now)
                    .bind(storable_count(*count))
                    .fetch_one(&mut *transaction)
                    .await
                    .map_err(fail)?;
                if first {
                    new.push(fingerprint);
                }
            }
            transaction.commit().await.map_err(fail)?;
            Ok(new)
        };
        self.guard.run_store(doing, record).await
    }

    async fn errors(&self, age: Option<Duration>, limit: u32) -> Result<Vec<ErrorRow>, Error> {
        let doing = Operation::ReadErrors;
        let fail = |error| Error::database(doing, error);
        let age = age.and_then(|age| i64::try_from(age.as_millis()).ok());
        let read = || async {
            let mut connection = self.pool.acquire().await.map_err(fail)?;
            let since = match age {
                Some(age) => now(&mut connection).await?.saturating_sub(age),
                None => i64::MIN,
            };
            let query = sqlx::query_as(LIST).bind(since).bind(i64::from(limit));
            query.fetch_all(&mut *connection).await.map_err(fail)
        };
        self.guard.run_store(doing, read).await
    }

    async fn error(&self, fingerprint: &str) -> Result<Option<ErrorRow>, Error> {
        let fingerprint = storable(fingerprint);
        let query = || sqlx::query_as(ONE).bind(&*fingerprint).fetch_optional(&self.pool);
        self.guard.run(Operation::ReadError, query).await
    }

    async fn forget_errors(&self, fingerprint: Option<&str>) -> Result<u64, Error> {
        let fingerprint = fingerprint.map(storable);
        let query = || sqlx::query(FORGET).bind(fingerprint.as_deref()).execute(&self.pool);
        self.guard
            .run(Operation::ForgetErrors, query)
            .await
            .map(|done| done.rows_affected())
    }
}
