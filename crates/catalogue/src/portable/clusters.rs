//! The results of deduplication.

use async_trait::async_trait;
use codelupe_core::BlobId;
use codelupe_telemetry::Operation;
use sqlx::QueryBuilder;

use super::{Database, Store};
use crate::error::{Error, ErrorKind};
use crate::rows::{
    ClusterRow, ClusterSize, ClusteredFile, Clusters, HolderRow, MemberRow, RankedRepository, RemovedRow, storable,
};

/// Blobs in one statement.
const BLOBS_PER_STATEMENT: usize = 1000;

const REMOVED: &str = "
    SELECT c.language, count(*) AS files, CAST(coalesce(sum(c.bytes), 0) AS BIGINT) AS bytes,
           count(*) FILTER (WHERE d.reason = 'exact_duplicate') AS exact_files,
           CAST(coalesce(sum(c.bytes) FILTER (WHERE d.reason = 'exact_duplicate'), 0) AS BIGINT) AS exact_bytes,
           count(*) FILTER (WHERE d.reason = 'near_duplicate') AS near_files,
           CAST(coalesce(sum(c.bytes) FILTER (WHERE d.reason = 'near_duplicate'), 0) AS BIGINT) AS near_bytes
    FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL
    GROUP BY c.language ORDER BY files DESC, c.language IS NULL, c.language";

const SIZES: &str = "
    SELECT files, count(*) AS clusters FROM (SELECT count(*) + 1 AS files FROM duplicates GROUP BY kept_file_id) AS sizes
    GROUP BY files ORDER BY files";

const CLUSTERS: &str = "
    SELECT d.kept_file_id AS id, kr.name AS repository, kf.path, count(*) + 1 AS files,
           CAST(coalesce(sum(c.bytes), 0) AS BIGINT) AS dropped_bytes, min(d.jaccard) AS least_jaccard
    FROM duplicates d
    JOIN files f ON f.id = d.file_id
    JOIN contents c ON c.id = f.content_id
    JOIN files kf ON kf.id = d.kept_file_id
    JOIN repositories kr ON kr.id = kf.repository_id";

const MEMBERS: &str = "
    SELECT r.name AS repository, f.path, d.reason, d.jaccard
    FROM duplicates d
    JOIN files f ON f.id = d.file_id
    JOIN repositories r ON r.id = f.repository_id
    WHERE d.kept_file_id = $1 ORDER BY d.jaccard DESC, r.name, f.path LIMIT $2";

const HOLDERS: &str = "
    SELECT c.blob_id, c.segment_id, c.segment_row, c.language, r.name AS repository, f.path, d.reason AS dropped
    FROM contents c
    JOIN files f ON f.content_id = c.id
    JOIN repositories r ON r.id = f.repository_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL AND c.recipe = ";

const SEVERAL_LANGUAGES: &str = "
    SELECT blob_id FROM contents WHERE reason IS NULL AND recipe = $1
    GROUP BY blob_id HAVING count(DISTINCT coalesce(language, '')) > 1 ORDER BY blob_id";

const CLUSTERED: &str = "
    SELECT coalesce(d.kept_file_id, f.id) AS cluster, f.repository_id AS repository
    FROM files f
    JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id
    WHERE c.reason IS NULL ORDER BY 1, 2";

/// The same order as that of the candidates of deduplication.
const RANKED: &str = "
    SELECT id, name, fork FROM repositories
    ORDER BY license_rank, stars IS NULL, stars DESC, fork, committed_at IS NULL, committed_at, name";

#[async_trait]
impl Clusters for Store {
    async fn removed_by_language(&self) -> Result<Vec<RemovedRow>, Error> {
        let read = || async { sqlx::query_as(REMOVED).fetch_all(&self.pool).await };
        self.guard.run(Operation::CountWhatDeduplicationRemoved, read).await
    }

    async fn cluster_sizes(&self) -> Result<Vec<ClusterSize>, Error> {
        let read = || async { sqlx::query_as(SIZES).fetch_all(&self.pool).await };
        self.guard.run(Operation::CountClusters, read).await
    }

    async fn largest_clusters(&self, limit: u32) -> Result<Vec<ClusterRow>, Error> {
        let read = || async {
            let mut query = QueryBuilder::<Database>::new(CLUSTERS);
            query.push(" GROUP BY d.kept_file_id, kr.name, kf.path ORDER BY files DESC, id LIMIT ");
            query.push_bind(i64::from(limit));
            query.build_query_as().fetch_all(&self.pool).await
        };
        self.guard.run(Operation::ListClusters, read).await
    }

    async fn cluster(&self, id: i64) -> Result<ClusterRow, Error> {
        let read = || async {
            let mut query = QueryBuilder::<Database>::new(CLUSTERS);
            query.push(" WHERE d.kept_file_id = ").push_bind(id);
            query.push(" GROUP BY d.kept_file_id, kr.name, kf.path");
            query.build_query_as().fetch_optional(&self.pool).await
        };
        let found = self.guard.run(Operation::ReadCluster, read).await?;
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("there is no cluster {id}")))
    }

    async fn cluster_members(&self, id: i64, limit: u32) -> Result<Vec<MemberRow>, Error> {
        let read = || async {
            let query = sqlx::query_as(MEMBERS).bind(id).bind(i64::from(limit));
            query.fetch_all(&self.pool).await
        };
        self.guard.run(Operation::ReadCluster, read).await
    }

    async fn holders(&self, blobs: &[BlobId], recipe: &str) -> Result<Vec<HolderRow>, Error> {
        let recipe = storable(recipe);
        let read = || async {
            let mut found = Vec::new();
            for blobs in blobs.chunks(BLOBS_PER_STATEMENT) {
                let mut query = QueryBuilder::<Database>::new(HOLDERS);
                query.push_bind(recipe.as_ref()).push(" AND c.blob_id IN (");
                let mut list = query.separated(", ");
                for blob in blobs {
                    list.push_bind(blob.as_bytes().to_vec());
                }
                query.push(
                    ") ORDER BY c.blob_id, r.license_rank, r.stars IS NULL, r.stars DESC, r.fork,
                       r.committed_at IS NULL, r.committed_at, r.name, f.path",
                );
                found.extend(
                    query
                        .build_query_as::<HolderRow>()
                        .persistent(false)
                        .fetch_all(&self.pool)
                        .await?,
                );
            }
            Ok(found)
        };
        self.guard.run(Operation::FindFilesOfSomeBlobs, read).await
    }

    async fn blobs_of_several_languages(&self, recipe: &str) -> Result<Vec<BlobId>, Error> {
        let recipe = storable(recipe);
        let read = || async {
            let query = sqlx::query_scalar::<_, Vec<u8>>(SEVERAL_LANGUAGES).bind(recipe.as_ref());
            query.fetch_all(&self.pool).await
        };
        let blobs = self.guard.run(Operation::FindBlobsOfSeveralLanguages, read).await?;
        let whole = blobs.into_iter().map(BlobId::try_from).collect::<Result<_, _>>();
        whole.map_err(|error| Error::new(ErrorKind::Corrupt, "a blob id in the catalogue is none").with_source(error))
    }

    async fn clustered_files(&self) -> Result<Vec<ClusteredFile>, Error> {
        let read = || async { sqlx::query_as(CLUSTERED).fetch_all(&self.pool).await };
        self.guard.run(Operation::ReadClusters, read).await
    }

    async fn ranked_repositories(&self) -> Result<Vec<RankedRepository>, Error> {
        let read = || async { sqlx::query_as(RANKED).fetch_all(&self.pool).await };
        self.guard.run(Operation::RankRepositories, read).await
    }
}
