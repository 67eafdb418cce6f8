//! The LSH index in tables, shared by several workers.
//!
//! What a document costs was measured on PostgreSQL 15, two cores shared with compilers (load 3.3 to 4.9), 25 bands, batches of
//! 100,000, seconds a batch from the first to the fifth:
//!
//! | rows of bands | seconds |
//! |---|---|
//! | no index, 8 hash partitions | 1.3 to 1.3 |
//! | sorted, 32 list partitions, (key, document), two connections | 2.6 to 4.4 |
//! | sorted, 32 list partitions, (key, document) | 3.5 to 4.7 |
//! | sorted, 8 hash partitions, (key, document): this one | 4.2 to 4.9 |
//! | sorted, 32 list partitions, hash index on key | 4.0 to 6.8 |
//! | the same as the next, unlogged | 3.1 to 6.2 |
//! | sorted, 8 hash partitions, (band, key, document) | 4.0 to 7.3 |
//! | unsorted, 8 hash partitions, (band, key, document) | 8.4 to 13.4 |
//! | no rows, GIN on an array in the document | 11.0 to 17.6 |
//!
//! and the rows of documents, with signature, 1.8 to 2.3. So what counts is that a batch meets the index in order of key.
//!
//! Whole (`cargo bench -p codelupe-catalogue --bench lsh -- 1000000 postgres`, two inserts at a time, server and client on the same
//! two cores, otherwise idle): 23,800 signatures/s, 3,600 bytes a document; a question 0.5 to 0.7 ms in the median, 5 to 6 ms at
//! the 99th percentile. At a load of 6 to 7, built with the dev profile: 11,500/s, 0.9 ms, 11 to 14 ms.

mod copy_in;
mod made;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use codelupe_core::{BlobId, LshParameters};
use codelupe_telemetry::Operation;
use sqlx::PgConnection;

use self::made::{make, parse};
use crate::error::{Error, ErrorKind};
use crate::lsh::{
    Comparison, EachGroup, LshFigures, LshIndex, Neighbor, NeighborLimits, Neighbors, SignedDocument, check,
    other_parameters,
};
use crate::postgres::Postgres;

pub(crate) use self::made::{reset, stored_parameters};

/// How often an insert begins again because another worker inserted one of its documents meanwhile.
const ATTEMPTS: usize = 100;

/// Comparisons, or blobs that are removed, in one statement.
const ROWS_PER_STATEMENT: usize = 10_000;

/// Keeps the index from being made anew until the end of the transaction.
const HELD_PARAMETERS: &str = "SELECT parameters FROM lsh_index FOR KEY SHARE";

const KNOWN: &str = "SELECT blob_id FROM lsh_documents WHERE blob_id = ANY ($1)";

const NUMBERS: &str =
    "SELECT nextval(pg_get_serial_sequence('lsh_documents', 'number'))::integer FROM generate_series(1, $1)";

const REMOVE: &str = "
    WITH gone AS (
        DELETE FROM lsh_documents WHERE blob_id = ANY ($1) RETURNING number, keys
    ), entries AS (
        DELETE FROM lsh_bands b
        USING (SELECT number, key, (place - 1)::smallint AS band
               FROM gone, unnest(keys) WITH ORDINALITY AS k (key, place)) AS e
        WHERE b.band = e.band AND b.key = e.key AND b.document = e.number
    ), lows AS (
        DELETE FROM lsh_comparisons c USING gone WHERE c.low = gone.number
    ), highs AS (
        DELETE FROM lsh_comparisons c USING gone
        WHERE c.high = gone.number AND c.low NOT IN (SELECT number FROM gone)
    )
    SELECT count(*) FROM gone";

const DOCUMENTS: &str = "SELECT number, blob_id FROM lsh_documents ORDER BY number";

/// Of each bucket one more than the bound is looked at, which tells that there are more.
const NEIGHBORS: &str = "
    WITH hits AS (
        SELECT b.document, b.place
        FROM unnest($1::smallint[], $2::bigint[]) AS asked (band, key)
        CROSS JOIN LATERAL (
            SELECT document, row_number() OVER (ORDER BY document) AS place
            FROM lsh_bands b WHERE b.band = asked.band AND b.key = asked.key
            ORDER BY document LIMIT $3::bigint + 1) AS b
    ), ranked AS (
        SELECT document, count(*) AS shared FROM hits WHERE place <= $3
        GROUP BY document ORDER BY shared DESC, document LIMIT $4::bigint + 1
    ), bound AS (
        SELECT coalesce(max(place) > $3, false) AS capped FROM hits
    )
    SELECT d.blob_id, r.shared, bound.capped
    FROM bound LEFT JOIN (ranked r JOIN lsh_documents d ON d.number = r.document) ON true
    ORDER BY r.shared DESC, r.document";

/// The band join.
const GROUPS: &str = "
    SELECT array_agg(document ORDER BY document) FROM lsh_bands
    WHERE band = $1 GROUP BY key HAVING count(*) > 1 ORDER BY key";

const COMPARISONS: &str = "
    SELECT low, high, jaccard FROM lsh_comparisons
    WHERE (SELECT threshold FROM lsh_index) = $1 ORDER BY low, high";

const SET_THRESHOLD: &str = "
    UPDATE lsh_index SET threshold = $1 WHERE threshold IS DISTINCT FROM $1";

const REMEMBER: &str = "
    INSERT INTO lsh_comparisons (low, high, jaccard)
    SELECT low, high, jaccard FROM unnest($1::integer[], $2::integer[], $3::double precision[]) AS new (low, high, jaccard)
    ON CONFLICT (low, high) DO UPDATE SET jaccard = excluded.jaccard";

const FIGURES: &str = "
    SELECT (SELECT count(*) FROM lsh_documents), (SELECT count(*) FROM lsh_comparisons),
           (SELECT sum(pg_total_relation_size(relid))::bigint
            FROM (SELECT relid FROM pg_partition_tree('lsh_bands')
                  UNION ALL SELECT unnest(ARRAY['lsh_documents', 'lsh_comparisons', 'lsh_index']::regclass[])) AS tables)";

/// An index in tables.
#[derive(Debug)]
pub(crate) struct PostgresIndex {
    database: Arc<Postgres>,
    parameters: LshParameters,
}

impl PostgresIndex {
    /// Opens the index of a database, or makes it.
    pub(crate) async fn open(database: Arc<Postgres>, parameters: &LshParameters) -> Result<Self, Error> {
        let stored = match stored_parameters(&database).await? {
            Some(stored) => stored,
            None => make(&database, parameters).await?,
        };
        if stored != *parameters {
            return Err(other_parameters(&stored, parameters));
        }
        let parameters = stored;
        Ok(Self { database, parameters })
    }

    /// Begins a transaction in which the index stays what it is.
    async fn begin(&self) -> Result<sqlx::Transaction<'static, sqlx::Postgres>, Error> {
        let failed = |error| Error::database(Operation::LookAtLshIndex, error);
        let mut transaction = self.database.lsh_pool.begin().await.map_err(failed)?;
        let text: Option<String> = sqlx::query_scalar(HELD_PARAMETERS)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(failed)?;
        let Some(text) = text else {
            let context = "the LSH index is not there any more: somebody has emptied it";
            return Err(Error::new(ErrorKind::NotFound, context));
        };
        let stored = parse(&text)?;
        if stored == self.parameters {
            return Ok(transaction);
        }
        Err(other_parameters(&stored, &self.parameters))
    }

    /// Inserts what is new; `None` when another worker inserted some of it meanwhile.
    async fn try_insert(&self, documents: &[SignedDocument]) -> Result<Option<u64>, Error> {
        let failed = |error| Error::database(Operation::InsertIntoLshIndex, error);
        let mut transaction = self.begin().await?;
        let new = new_documents(&mut transaction, documents).await.map_err(failed)?;
        let count = i64::try_from(new.len()).unwrap_or(i64::MAX);
        let numbers: Vec<i32> = sqlx::query_scalar(NUMBERS)
            .bind(count)
            .fetch_all(&mut *transaction)
            .await
            .map_err(numbers_failed)?;
        let sent = copy_in::documents(&mut transaction, &new, &numbers).await;
        match sent {
            Err(sqlx::Error::Database(error)) if error.is_unique_violation() => return Ok(None),
            sent => sent.map_err(failed)?,
        }
        copy_in::bands(&mut transaction, &new, &numbers).await.map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(Some(new.len() as u64))
    }

    async fn try_remove(&self, blobs: &[BlobId]) -> Result<u64, Error> {
        let failed = |error| Error::database(Operation::RemoveFromLshIndex, error);
        let mut transaction = self.begin().await?;
        let mut removed = 0;
        for blobs in blobs.chunks(ROWS_PER_STATEMENT) {
            let blobs: Vec<&[u8]> = blobs.iter().map(|blob| blob.as_bytes().as_slice()).collect();
            let gone: i64 = sqlx::query_scalar(REMOVE)
                .bind(blobs)
                .fetch_one(&mut *transaction)
                .await
                .map_err(failed)?;
            removed += gone.cast_unsigned();
        }
        transaction.commit().await.map_err(failed)?;
        Ok(removed)
    }

    async fn try_remember(&self, threshold: f64, rows: &BTreeMap<(u32, u32), Option<f64>>) -> Result<(), Error> {
        let failed = |error| Error::database(Operation::RememberComparisons, error);
        let mut transaction = self.begin().await?;
        let changed = sqlx::query(SET_THRESHOLD).bind(threshold).execute(&mut *transaction);
        if changed.await.map_err(failed)?.rows_affected() > 0 {
            let forgetting = sqlx::query("DELETE FROM lsh_comparisons").execute(&mut *transaction);
            forgetting.await.map_err(failed)?;
        }
        let rows: Vec<_> = rows.iter().collect();
        for rows in rows.chunks(ROWS_PER_STATEMENT) {
            let column = |of: fn(&(u32, u32)) -> u32| rows.iter().map(|(pair, _)| stored_number(of(pair))).collect();
            let (low, high): (Vec<i32>, Vec<i32>) = (column(|pair| pair.0), column(|pair| pair.1));
            let jaccard: Vec<Option<f64>> = rows.iter().map(|(_, jaccard)| **jaccard).collect();
            let remembering = sqlx::query(REMEMBER).bind(low).bind(high).bind(jaccard);
            remembering.execute(&mut *transaction).await.map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }
}

/// Those that are not there yet, each once.
async fn new_documents<'a>(
    connection: &mut PgConnection,
    documents: &'a [SignedDocument],
) -> Result<Vec<&'a SignedDocument>, sqlx::Error> {
    let blobs: Vec<&[u8]> = documents
        .iter()
        .map(|document| document.blob.as_bytes().as_slice())
        .collect();
    let known: Vec<Vec<u8>> = sqlx::query_scalar(KNOWN).bind(blobs).fetch_all(connection).await?;
    let mut seen: HashSet<Vec<u8>> = known.into_iter().collect();
    let is_new = |document: &&SignedDocument| seen.insert(document.blob.as_bytes().to_vec());
    Ok(documents.iter().filter(is_new).collect())
}

/// SQLSTATE 2200H: the sequence is at its end.
fn numbers_failed(error: sqlx::Error) -> Error {
    let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
    if code.is_some_and(|code| code == "2200H") {
        return crate::lsh::no_number_left();
    }
    Error::database(Operation::InsertIntoLshIndex, error)
}

/// As it is stored: in the same order as signed.
fn stored_number(number: u32) -> i32 {
    (number ^ (1 << 31)).cast_signed()
}

fn number(stored: i32) -> u32 {
    stored.cast_unsigned() ^ (1 << 31)
}

/// As it is stored: in the same order as signed.
fn stored_key(key: u64) -> i64 {
    (key ^ (1 << 63)).cast_signed()
}

fn blob(bytes: Vec<u8>) -> Result<BlobId, Error> {
    BlobId::try_from(bytes).map_err(|error| {
        let context = "the LSH index in the catalogue is damaged: a blob id is of a wrong length";
        Error::new(ErrorKind::LshCorrupt, context).with_source(error)
    })
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX - 1).min(i64::MAX - 1)
}

#[async_trait]
impl LshIndex for PostgresIndex {
    fn parameters(&self) -> &LshParameters {
        &self.parameters
    }

    async fn insert(&self, documents: &[SignedDocument]) -> Result<u64, Error> {
        check::documents(&self.parameters, documents)?;
        let doing = Operation::InsertIntoLshIndex;
        for _ in 0..ATTEMPTS {
            let inserting = self.database.guard.run_store(doing, || self.try_insert(documents));
            if let Some(new) = inserting.await? {
                return Ok(new);
            }
        }
        let context = "cannot insert into the LSH index: others keep inserting the same documents";
        Err(Error::new(ErrorKind::Busy, context))
    }

    async fn remove(&self, blobs: &[BlobId]) -> Result<u64, Error> {
        let doing = Operation::RemoveFromLshIndex;
        self.database.guard.run_store(doing, || self.try_remove(blobs)).await
    }

    async fn documents(&self) -> Result<Vec<(u32, BlobId)>, Error> {
        let rows: Vec<(i32, Vec<u8>)> = self
            .database
            .guard
            .run(Operation::ListLshIndex, || {
                sqlx::query_as(DOCUMENTS).fetch_all(&self.database.pool)
            })
            .await?;
        rows.into_iter()
            .map(|(stored, bytes)| Ok((number(stored), blob(bytes)?)))
            .collect()
    }

    async fn neighbors(&self, keys: &[u64], limits: NeighborLimits) -> Result<Neighbors, Error> {
        check::keys(&self.parameters, keys)?;
        let bands: Vec<i16> = (0..).take(keys.len()).collect();
        let keys: Vec<i64> = keys.iter().map(|key| stored_key(*key)).collect();
        let rows: Vec<(Option<Vec<u8>>, Option<i64>, bool)> = self
            .database
            .guard
            .run(Operation::AskLshIndex, || {
                sqlx::query_as(NEIGHBORS)
                    .bind(&bands)
                    .bind(&keys)
                    .bind(bound(limits.bucket))
                    .bind(bound(limits.neighbors))
                    .fetch_all(&self.database.lsh_pool)
            })
            .await?;
        let mut neighbors = Neighbors::default();
        for (bytes, shared, capped) in rows {
            neighbors.capped |= capped;
            if let (Some(bytes), Some(shared)) = (bytes, shared) {
                let shared = u32::try_from(shared).unwrap_or(u32::MAX);
                let blob = blob(bytes)?;
                neighbors.found.push(Neighbor { blob, shared });
            }
        }
        neighbors.capped |= neighbors.found.len() > limits.neighbors;
        neighbors.found.truncate(limits.neighbors);
        Ok(neighbors)
    }

    async fn groups(&self, band: u32, each: &mut EachGroup<'_>) -> Result<(), Error> {
        check::band(&self.parameters, band)?;
        let failed = |error| Error::database("read a band of the LSH index", error);
        let band = i16::try_from(band).unwrap_or(i16::MAX);
        let mut groups = sqlx::query_scalar::<_, Vec<i32>>(GROUPS)
            .bind(band)
            .fetch(&self.database.pool);
        while let Some(group) = std::future::poll_fn(|context| groups.as_mut().poll_next(context)).await {
            let group: Vec<u32> = group.map_err(failed)?.into_iter().map(number).collect();
            each(&group);
        }
        Ok(())
    }

    async fn comparisons(&self, threshold: f64) -> Result<Vec<Comparison>, Error> {
        let rows: Vec<(i32, i32, Option<f64>)> = self
            .database
            .guard
            .run(Operation::ReadComparisons, || {
                sqlx::query_as(COMPARISONS)
                    .bind(threshold)
                    .fetch_all(&self.database.pool)
            })
            .await?;
        let comparison = |(low, high, jaccard)| Comparison {
            low: number(low),
            high: number(high),
            jaccard,
        };
        Ok(rows.into_iter().map(comparison).collect())
    }

    async fn remember(&self, threshold: f64, comparisons: &[Comparison]) -> Result<(), Error> {
        let rows = comparisons.iter().map(|row| ((row.low, row.high), row.jaccard));
        let rows: BTreeMap<_, _> = rows.collect();
        let doing = Operation::RememberComparisons;
        self.database
            .guard
            .run_store(doing, || self.try_remember(threshold, &rows))
            .await
    }

    async fn figures(&self) -> Result<LshFigures, Error> {
        let (documents, comparisons, bytes): (i64, i64, i64) = self
            .database
            .guard
            .run(Operation::MeasureLshIndex, || {
                sqlx::query_as(FIGURES).fetch_one(&self.database.pool)
            })
            .await?;
        Ok(LshFigures {
            documents: documents.cast_unsigned(),
            bytes: bytes.cast_unsigned(),
            sorted_files: 1,
            comparisons: comparisons.cast_unsigned(),
        })
    }
}
