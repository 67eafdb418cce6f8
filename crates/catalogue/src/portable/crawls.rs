//! Listings that survive a restart.

use async_trait::async_trait;
use codelupe_core::{HostedRepository, Slice};
use codelupe_telemetry::Operation;
use sqlx::QueryBuilder;

use super::{Connection, Database, Store, now, upsert};
use crate::error::{Error, ErrorKind};
use crate::rows::{
    AfterPage, CrawlId, CrawlReport, CrawledPage, Crawls, IncompleteSlice, OpenSlice, Seen, Upserted, storable,
    storable_size, stored_id,
};

/// Repositories in one statement.
const ROWS_PER_STATEMENT: usize = 5000;

/// Finds the listing, or begins it; the row stays locked until the end of the transaction.
const OPEN: &str = "
    INSERT INTO crawls (forge, query, created_at, updated_at, state) VALUES ($1, $2, $3, $3, 'open')
    ON CONFLICT (forge, query) DO UPDATE SET updated_at = excluded.updated_at RETURNING id, state";

const HAS_SLICES: &str = "SELECT EXISTS (SELECT 1 FROM crawl_slices WHERE crawl_id = $1)";

const BEGIN_AGAIN: &str = "UPDATE crawls SET state = 'open', created_at = $2 WHERE id = $1";

const FORGET_SLICES: &str = "DELETE FROM crawl_slices WHERE crawl_id = $1";

const FORGET_FOUND: &str = "DELETE FROM crawl_repositories WHERE crawl_id = $1";

const ADD_SLICE: &str = "
    INSERT INTO crawl_slices (crawl_id, slice, created_from, created_to, stars_low, stars_high, state, found, incomplete,
                              skipped, passes, updated_at)
    VALUES ($1, $2, $3, $4, $5, $6, 'open', 0, false, 0, 0, $7)
    ON CONFLICT (crawl_id, slice) DO NOTHING";

/// One with a cursor was begun.
const NEXT: &str = "
    SELECT created_from, created_to, stars_low, stars_high, cursor, total, passes FROM crawl_slices
    WHERE crawl_id = $1 AND state = 'open' ORDER BY cursor IS NULL, created_from, stars_low, slice LIMIT 1";

const CLOSE: &str = "
    UPDATE crawls SET state = 'done', updated_at = $2 WHERE id = $1 AND state = 'open'
        AND NOT EXISTS (SELECT 1 FROM crawl_slices WHERE crawl_id = $1 AND state = 'open')";

/// A slice that is read again starts to count what it skips anew.
const MOVE: &str = "
    UPDATE crawl_slices SET state = $3, cursor = $4, total = coalesce($5, total), found = found + $6,
        incomplete = CASE WHEN $9 THEN false ELSE incomplete OR $7 END,
        skipped = CASE WHEN $9 THEN 0 ELSE skipped + $8 END,
        passes = passes + CASE WHEN $9 THEN 1 ELSE 0 END, updated_at = $10
    WHERE crawl_id = $1 AND slice = $2";

const SPLIT: &str = "
    UPDATE crawl_slices SET state = 'split', cursor = NULL, updated_at = $3 WHERE crawl_id = $1 AND slice = $2";

const FINISH: &str = "
    UPDATE crawl_slices SET state = 'done', cursor = NULL, total = coalesce($3, total), incomplete = incomplete OR $4,
        updated_at = $5
    WHERE crawl_id = $1 AND slice = $2";

const TOUCH: &str = "UPDATE crawls SET updated_at = $2 WHERE id = $1";

const FORGES: &str = "SELECT forge, min(query) FROM crawls GROUP BY forge ORDER BY forge";

const ONE: &str = "SELECT id, created_at, updated_at, state = 'done' FROM crawls WHERE forge = $1 AND query = $2";

const SUMS: &str = "
    SELECT CAST(coalesce(sum(CASE WHEN state = 'done' THEN coalesce(total, found) ELSE 0 END), 0) AS BIGINT),
           CAST(coalesce(sum(skipped), 0) AS BIGINT),
           count(CASE WHEN state = 'done' THEN 1 END), count(CASE WHEN state = 'open' THEN 1 END)
    FROM crawl_slices WHERE crawl_id = $1";

const FOUND: &str = "SELECT count(*) FROM crawl_repositories WHERE crawl_id = $1";

const INCOMPLETE: &str = "
    SELECT slice, total, found, skipped FROM crawl_slices
    WHERE crawl_id = $1 AND state = 'done' AND (incomplete OR skipped > 0 OR found < total)
    ORDER BY created_from, stars_low, slice LIMIT 1000";

#[async_trait]
impl Crawls for Store {
    async fn open_crawl(&self, forge: &str, query: &str, slices: &[Slice]) -> Result<CrawlId, Error> {
        let (forge, query) = (storable(forge), storable(query));
        let (forge, query) = (forge.as_ref(), query.as_ref());
        let work = || open(self, forge, query, slices);
        self.guard.run_store(Operation::OpenListing, work).await
    }

    async fn next_slice(&self, crawl: CrawlId) -> Result<Option<OpenSlice>, Error> {
        let work = || next(self, crawl);
        self.guard.run_store(Operation::ReadListing, work).await
    }

    async fn record_page(&self, crawl: CrawlId, slice: Slice, page: &CrawledPage<'_>) -> Result<Upserted, Error> {
        let work = || record(self, crawl, slice, page);
        self.guard.run_store(Operation::StorePageOfListing, work).await
    }

    async fn split_slice(&self, crawl: CrawlId, slice: Slice, parts: &[Slice]) -> Result<(), Error> {
        let work = || split(self, crawl, slice, parts);
        self.guard.run_store(Operation::SplitSliceOfListing, work).await
    }

    async fn finish_slice(
        &self,
        crawl: CrawlId,
        slice: Slice,
        total: Option<u64>,
        incomplete: bool,
    ) -> Result<(), Error> {
        let work = || finish(self, crawl, slice, total, incomplete);
        self.guard.run_store(Operation::EndSliceOfListing, work).await
    }

    async fn crawl(&self, forge: &str, query: &str) -> Result<Option<CrawlReport>, Error> {
        let (forge, query) = (storable(forge), storable(query));
        let work = || report(self, forge.as_ref(), query.as_ref());
        self.guard.run(Operation::ReadListing, work).await
    }

    async fn crawled_forges(&self) -> Result<Vec<(String, String)>, Error> {
        let read = || sqlx::query_as(FORGES).fetch_all(&self.pool);
        self.guard.run(Operation::ReadForges, read).await
    }
}

async fn open(store: &Store, forge: &str, query: &str, slices: &[Slice]) -> Result<CrawlId, Error> {
    let mut transaction = store.begin_alone().await?;
    let now = now(&mut transaction).await?;
    let work = async {
        let begin = sqlx::query_as(OPEN).bind(forge).bind(query).bind(now);
        let (id, state): (i64, String) = begin.fetch_one(&mut *transaction).await?;
        if state == "done" {
            let again = sqlx::query(BEGIN_AGAIN).bind(id).bind(now);
            again.execute(&mut *transaction).await?;
            for forget in [FORGET_SLICES, FORGET_FOUND] {
                sqlx::query(forget).bind(id).execute(&mut *transaction).await?;
            }
        }
        let has_slices = sqlx::query_scalar(HAS_SLICES).bind(id);
        if !has_slices.fetch_one(&mut *transaction).await? {
            add_slices(&mut transaction, id, slices, now).await?;
        }
        transaction.commit().await?;
        Ok(CrawlId(id))
    };
    work.await
        .map_err(|error| Error::database(Operation::OpenListing, error))
}

async fn add_slices(connection: &mut Connection, crawl: i64, slices: &[Slice], now: i64) -> Result<(), sqlx::Error> {
    for slice in slices {
        let (from, to) = slice.created.unzip();
        let (low, high) = slice.stars.unzip();
        sqlx::query(ADD_SLICE)
            .bind(crawl)
            .bind(slice.to_string())
            .bind(from)
            .bind(to)
            .bind(low.map(storable_size))
            .bind(high.map(storable_size))
            .bind(now)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// A slice as its columns hold it, and where it stands.
type SliceRow = (
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<i64>,
    Option<String>,
    Option<i64>,
    i64,
);

async fn next(store: &Store, crawl: CrawlId) -> Result<Option<OpenSlice>, Error> {
    let failed = |error| Error::database(Operation::ReadListing, error);
    let query = sqlx::query_as(NEXT).bind(crawl.0);
    let row: Option<SliceRow> = query.fetch_optional(&store.pool).await.map_err(failed)?;
    let Some((from, to, low, high, cursor, total, passes)) = row else {
        let mut transaction = store.begin_alone().await?;
        let now = now(&mut transaction).await?;
        let close = sqlx::query(CLOSE).bind(crawl.0).bind(now);
        close.execute(&mut *transaction).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        return Ok(None);
    };
    let count = |value: i64| u64::try_from(value).unwrap_or(0);
    Ok(Some(OpenSlice {
        slice: Slice {
            created: from.zip(to),
            stars: low.map(count).zip(high.map(count)),
        },
        cursor,
        total: total.map(count),
        passes: count(passes),
    }))
}

async fn record(store: &Store, crawl: CrawlId, slice: Slice, page: &CrawledPage<'_>) -> Result<Upserted, Error> {
    let failed = |error| Error::database(Operation::StorePageOfListing, error);
    let mut transaction = store.begin_alone().await?;
    let now = now(&mut transaction).await?;
    let upserted = upsert::upsert(&mut transaction, page.repositories, Seen::Listed, now).await?;
    let found = add_found(&mut transaction, crawl, page.repositories)
        .await
        .map_err(failed)?;
    let (state, cursor) = match &page.after {
        AfterPage::Next(cursor) => ("open", Some(storable(cursor))),
        AfterPage::Again => ("open", None),
        AfterPage::Done => ("done", None),
    };
    let moved = sqlx::query(MOVE)
        .bind(crawl.0)
        .bind(slice.to_string())
        .bind(state)
        .bind(cursor.as_deref())
        .bind(page.total.map(storable_size))
        .bind(storable_size(found))
        .bind(page.incomplete)
        .bind(storable_size(page.skipped))
        .bind(page.after == AfterPage::Again)
        .bind(now);
    let moved = moved.execute(&mut *transaction).await.map_err(failed)?.rows_affected();
    must_be_there(moved, slice)?;
    touch(&mut transaction, crawl, now).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)?;
    Ok(upserted)
}

/// Adds to what a listing has found; returns how many it had not.
async fn add_found(
    connection: &mut Connection,
    crawl: CrawlId,
    repositories: &[HostedRepository],
) -> Result<u64, sqlx::Error> {
    let mut found = 0;
    for chunk in repositories.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::<Database>::new("INSERT INTO crawl_repositories (crawl_id, repository_id) ");
        query.push_values(chunk, |mut tuple, repository| {
            tuple.push_bind(crawl.0).push_bind(stored_id(repository.id));
        });
        query.push(" ON CONFLICT DO NOTHING");
        let done = query.build().persistent(false).execute(&mut *connection).await?;
        found += done.rows_affected();
    }
    Ok(found)
}

async fn split(store: &Store, crawl: CrawlId, slice: Slice, parts: &[Slice]) -> Result<(), Error> {
    let failed = |error| Error::database(Operation::SplitSliceOfListing, error);
    let mut transaction = store.begin_alone().await?;
    let now = now(&mut transaction).await?;
    let split = sqlx::query(SPLIT).bind(crawl.0).bind(slice.to_string()).bind(now);
    let done = split.execute(&mut *transaction).await.map_err(failed)?.rows_affected();
    must_be_there(done, slice)?;
    add_slices(&mut transaction, crawl.0, parts, now)
        .await
        .map_err(failed)?;
    touch(&mut transaction, crawl, now).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

async fn finish(
    store: &Store,
    crawl: CrawlId,
    slice: Slice,
    total: Option<u64>,
    incomplete: bool,
) -> Result<(), Error> {
    let failed = |error| Error::database(Operation::EndSliceOfListing, error);
    let mut transaction = store.begin_alone().await?;
    let now = now(&mut transaction).await?;
    let finish = sqlx::query(FINISH)
        .bind(crawl.0)
        .bind(slice.to_string())
        .bind(total.map(storable_size))
        .bind(incomplete)
        .bind(now);
    let done = finish.execute(&mut *transaction).await.map_err(failed)?.rows_affected();
    must_be_there(done, slice)?;
    touch(&mut transaction, crawl, now).await.map_err(failed)?;
    transaction.commit().await.map_err(failed)
}

async fn touch(connection: &mut Connection, crawl: CrawlId, now: i64) -> Result<(), sqlx::Error> {
    let touch = sqlx::query(TOUCH).bind(crawl.0).bind(now);
    touch.execute(connection).await.map(drop)
}

fn must_be_there(rows: u64, slice: Slice) -> Result<(), Error> {
    if rows > 0 {
        return Ok(());
    }
    let context = format!("the listing has no slice `{slice}`");
    Err(Error::new(ErrorKind::NotFound, context))
}

async fn report(store: &Store, forge: &str, query: &str) -> Result<Option<CrawlReport>, sqlx::Error> {
    let crawl = sqlx::query_as(ONE).bind(forge).bind(query);
    let crawl: Option<(i64, i64, i64, bool)> = crawl.fetch_optional(&store.pool).await?;
    let Some((id, created_at, updated_at, done)) = crawl else {
        return Ok(None);
    };
    let (stated, skipped, slices_done, slices_open): (i64, i64, i64, i64) =
        sqlx::query_as(SUMS).bind(id).fetch_one(&store.pool).await?;
    let found: i64 = sqlx::query_scalar(FOUND).bind(id).fetch_one(&store.pool).await?;
    let incomplete: Vec<(String, Option<i64>, i64, i64)> =
        sqlx::query_as(INCOMPLETE).bind(id).fetch_all(&store.pool).await?;
    let incomplete = incomplete
        .into_iter()
        .map(|(slice, total, found, skipped)| IncompleteSlice {
            slice,
            total: total.map(i64::cast_unsigned),
            found: found.cast_unsigned(),
            skipped: skipped.cast_unsigned(),
        });
    Ok(Some(CrawlReport {
        id,
        created_at,
        updated_at,
        done,
        found: found.cast_unsigned(),
        stated: stated.cast_unsigned(),
        skipped: skipped.cast_unsigned(),
        slices_done: slices_done.cast_unsigned(),
        slices_open: slices_open.cast_unsigned(),
        incomplete: incomplete.collect(),
    }))
}
