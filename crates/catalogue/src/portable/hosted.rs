//! Repositories on forges.

use std::collections::HashSet;
use std::time::Duration;

use async_trait::async_trait;
use codelupe_core::HostedRepository;
use codelupe_telemetry::Operation;
use sqlx::AssertSqlSafe;

use super::{Store, list, now, raise_generation, upsert};
use crate::error::{Error, ErrorKind};
use crate::rows::{
    COLUMNS, DueRepository, HostedCounts, HostedFilter, HostedRecord, HostedRepositories, HostedRow, HostedState,
    NameRow, Seen, Upserted, key_of, storable, stored_id,
};

const NAMED: &str = "
    SELECT id FROM repository_names WHERE forge = $1 AND name_key = $2
    ORDER BY seen_to IS NOT NULL, seen_to DESC, id LIMIT 1";

const NAMES: &str = "
    SELECT full_name, seen_from, seen_to FROM repository_names WHERE forge = $1 AND id = $2
    ORDER BY seen_to IS NULL, seen_to, name_key";

const MARK_GONE: &str = "
    UPDATE hosted_repositories SET state = $3, gone_at = coalesce(gone_at, $4), checked_at = $4, last_refreshed = $4
    WHERE forge = $1 AND id = $2";

const MARK_REFRESHED: &str = "
    UPDATE hosted_repositories SET etag = coalesce($3, etag), checked_at = $4, last_refreshed = $4
    WHERE forge = $1 AND id = $2";

/// Popularity is one step for each factor of ten in stars.
const DUE: &str = "
    SELECT id, node_id, full_name, etag FROM hosted_repositories
    WHERE forge = $1 AND state = 'listed' AND checked_at <= $2
    ORDER BY ($3 - checked_at) * CASE
        WHEN stars >= 10000 THEN 5 WHEN stars >= 1000 THEN 4 WHEN stars >= 100 THEN 3 WHEN stars >= 10 THEN 2 ELSE 1
    END DESC, id LIMIT $4";

const OPT_OUT: &str = "UPDATE hosted_repositories SET opt_out = $3 WHERE forge = $1 AND id = $2";

/// What was fetched of a repository, under any name that it had.
const REMOVE: &str = "
    DELETE FROM repositories WHERE lower(name) IN (
        SELECT forge || '/' || name_key FROM repository_names WHERE forge = $1 AND id = $2)";

const OPTED_OUT: &str = "
    SELECT n.forge || '/' || n.name_key FROM hosted_repositories h
    JOIN repository_names n ON n.forge = h.forge AND n.id = h.id WHERE h.opt_out IS NOT NULL";

const SET_SCORE: &str = "UPDATE hosted_repositories SET score = $3 WHERE forge = $1 AND id = $2";

const OPTED_OUT_COUNT: &str = "SELECT count(*) FROM hosted_repositories WHERE opt_out IS NOT NULL";

const BY_FORGE: &str = "
    SELECT forge, count(*) AS number FROM hosted_repositories GROUP BY forge ORDER BY number DESC, forge";

const BY_STATE: &str = "
    SELECT state, count(*) AS number FROM hosted_repositories GROUP BY state ORDER BY number DESC, state";

#[async_trait]
impl HostedRepositories for Store {
    async fn upsert_repositories(&self, repositories: &[HostedRepository], seen: Seen) -> Result<Upserted, Error> {
        let doing = Operation::StoreRepositories;
        let work = || async move {
            let mut transaction = self.begin_alone().await?;
            let now = now(&mut transaction).await?;
            let upserted = upsert::upsert(&mut transaction, repositories, seen, now).await?;
            transaction
                .commit()
                .await
                .map_err(|error| Error::database(doing, error))?;
            Ok(upserted)
        };
        self.guard.run_store(doing, work).await
    }

    async fn hosted_repository(&self, forge: &str, id: u64) -> Result<Option<HostedRow>, Error> {
        let forge = storable(forge);
        let sql = format!("SELECT {COLUMNS} FROM hosted_repositories WHERE forge = $1 AND id = $2");
        let query = || {
            sqlx::query_as(AssertSqlSafe(sql.clone()))
                .bind(forge.as_ref())
                .bind(stored_id(id))
                .fetch_optional(&self.pool)
        };
        let row: Option<HostedRecord> = self.guard.run(Operation::ReadRepository, query).await?;
        row.map(HostedRecord::into_row).transpose()
    }

    async fn hosted_by_name(&self, forge: &str, full_name: &str) -> Result<Option<HostedRow>, Error> {
        let (stored, key) = (storable(forge), key_of(full_name));
        let query = || {
            sqlx::query_scalar(NAMED)
                .bind(stored.as_ref())
                .bind(&key)
                .fetch_optional(&self.pool)
        };
        let id: Option<i64> = self.guard.run(Operation::ReadNames, query).await?;
        match id {
            Some(id) => self.hosted_repository(forge, id.cast_unsigned()).await,
            None => Ok(None),
        }
    }

    async fn hosted_names(&self, forge: &str, id: u64) -> Result<Vec<NameRow>, Error> {
        let forge = storable(forge);
        let query = || {
            sqlx::query_as(NAMES)
                .bind(forge.as_ref())
                .bind(stored_id(id))
                .fetch_all(&self.pool)
        };
        self.guard.run(Operation::ReadNames, query).await
    }

    async fn hosted_repositories(&self, filter: &HostedFilter) -> Result<Vec<HostedRow>, Error> {
        let query = || async move {
            let mut query = list::statement(filter);
            query.build_query_as().persistent(false).fetch_all(&self.pool).await
        };
        let rows: Vec<HostedRecord> = self.guard.run(Operation::ListRepositories, query).await?;
        rows.into_iter().map(HostedRecord::into_row).collect()
    }

    async fn mark_gone(&self, forge: &str, id: u64, state: HostedState) -> Result<bool, Error> {
        if state == HostedState::Listed {
            return Err(Error::new(
                ErrorKind::Invalid,
                "a repository that is listed is not gone",
            ));
        }
        let (doing, forge) = (Operation::NoteRepositoryAsGone, storable(forge));
        let (forge, failed) = (forge.as_ref(), |error| Error::database(doing, error));
        let work = || async move {
            let mut transaction = self.begin_alone().await?;
            let now = now(&mut transaction).await?;
            let query = sqlx::query(MARK_GONE)
                .bind(forge)
                .bind(stored_id(id))
                .bind(state.as_str())
                .bind(now);
            let done = query.execute(&mut *transaction).await.map_err(failed)?;
            transaction.commit().await.map_err(failed)?;
            Ok(done.rows_affected() > 0)
        };
        self.guard.run_store(doing, work).await
    }

    async fn mark_refreshed(&self, forge: &str, answers: &[(u64, Option<String>)]) -> Result<(), Error> {
        let (doing, forge) = (Operation::NoteForgeAnswers, storable(forge));
        let (forge, failed) = (forge.as_ref(), |error| Error::database(doing, error));
        let work = || async move {
            let mut transaction = self.begin_alone().await?;
            let now = now(&mut transaction).await?;
            for (id, etag) in answers {
                let etag = etag.as_deref().map(storable);
                let query = sqlx::query(MARK_REFRESHED)
                    .bind(forge)
                    .bind(stored_id(*id))
                    .bind(etag.as_deref())
                    .bind(now);
                query.execute(&mut *transaction).await.map_err(failed)?;
            }
            transaction.commit().await.map_err(failed)
        };
        self.guard.run_store(doing, work).await
    }

    async fn due_for_refresh(&self, forge: &str, age: Duration, limit: u32) -> Result<Vec<DueRepository>, Error> {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        let (doing, forge) = (Operation::ReadWhatIsDue, storable(forge));
        let (forge, failed) = (forge.as_ref(), |error| Error::database(doing, error));
        let work = || async move {
            let mut connection = self.pool.acquire().await.map_err(failed)?;
            let now = now(&mut connection).await?;
            let query = sqlx::query_as(DUE)
                .bind(forge)
                .bind(now.saturating_sub(age))
                .bind(now)
                .bind(i64::from(limit));
            query.fetch_all(&mut *connection).await.map_err(failed)
        };
        let rows: Vec<(i64, Option<String>, String, Option<String>)> = self.guard.run_store(doing, work).await?;
        let due = |(id, node_id, full_name, etag): (i64, _, _, _)| DueRepository {
            id: id.cast_unsigned(),
            node_id,
            full_name,
            etag,
        };
        Ok(rows.into_iter().map(due).collect())
    }

    async fn set_scores(&self, forge: &str, scores: &[(u64, u8)]) -> Result<(), Error> {
        let (doing, forge) = (Operation::NoteScores, storable(forge));
        let (forge, failed) = (forge.as_ref(), |error| Error::database(doing, error));
        let work = || async move {
            let mut transaction = self.begin_alone().await?;
            for (id, score) in scores {
                let query = sqlx::query(SET_SCORE)
                    .bind(forge)
                    .bind(stored_id(*id))
                    .bind(f64::from(*score));
                query.execute(&mut *transaction).await.map_err(failed)?;
            }
            transaction.commit().await.map_err(failed)
        };
        self.guard.run_store(doing, work).await
    }

    async fn set_opt_out(&self, forge: &str, id: u64, reason: Option<&str>) -> Result<Option<u64>, Error> {
        let (doing, forge, reason) = (Operation::NoteOptOut, storable(forge), reason.map(storable));
        let (forge, reason) = (forge.as_ref(), reason.as_deref());
        let failed = |error| Error::database(doing, error);
        let work = || async move {
            let mut transaction = self.begin_alone().await?;
            let query = sqlx::query(OPT_OUT).bind(forge).bind(stored_id(id)).bind(reason);
            let known = query.execute(&mut *transaction).await.map_err(failed)?.rows_affected() > 0;
            let mut removed = 0;
            if known && reason.is_some() {
                let query = sqlx::query(REMOVE).bind(forge).bind(stored_id(id));
                removed = query.execute(&mut *transaction).await.map_err(failed)?.rows_affected();
            }
            if removed > 0 {
                raise_generation(&mut transaction).await.map_err(failed)?;
            }
            transaction.commit().await.map_err(failed)?;
            Ok(known.then_some(removed))
        };
        self.guard.run_store(doing, work).await
    }

    async fn opted_out(&self) -> Result<HashSet<String>, Error> {
        let read = || sqlx::query_scalar(OPTED_OUT).fetch_all(&self.pool);
        let names: Vec<String> = self.guard.run(Operation::ReadOptOuts, read).await?;
        Ok(names.into_iter().collect())
    }

    async fn hosted_counts(&self) -> Result<HostedCounts, Error> {
        let read = || async move {
            let opted_out: i64 = sqlx::query_scalar(OPTED_OUT_COUNT).fetch_one(&self.pool).await?;
            let forges: Vec<(String, i64)> = sqlx::query_as(BY_FORGE).fetch_all(&self.pool).await?;
            let states: Vec<(String, i64)> = sqlx::query_as(BY_STATE).fetch_all(&self.pool).await?;
            Ok(HostedCounts {
                opted_out: opted_out.cast_unsigned(),
                by_forge: unsigned(forges),
                by_state: unsigned(states),
            })
        };
        self.guard.run(Operation::CountRepositories, read).await
    }
}

fn unsigned(counts: Vec<(String, i64)>) -> Vec<(String, u64)> {
    let unsigned = |(name, count): (String, i64)| (name, count.cast_unsigned());
    counts.into_iter().map(unsigned).collect()
}
