//! Migrations up and down, on both databases.

mod killed;
mod race;
mod refused;
mod steps;
mod verify;

use std::collections::BTreeMap;
use std::time::Duration;

use codelupe_catalogue::{
    AfterPage, BuildDecision, CandidateRow, Catalogue, CatalogueUrl, CrawledPage, Duplicate, MigrationState,
    MigrationStatus, NewJob, Schema, lsh, lsh::Comparison, lsh::LshKind,
};
use codelupe_core::error::{ErrorCode, ErrorContext, ErrorOccurrence};
use codelupe_core::{BlobId, Reason, Slice, Split};
use codelupe_corpus::DataFolder;
use tokio::time::sleep;

use crate::rows::{RECIPE, batch, build, failed, hosted, repository};
use crate::world::World;

async fn connect(url: &CatalogueUrl) -> Schema {
    Schema::connect(url).await.unwrap()
}

/// The number of the newest migration.
async fn newest(schema: &mut Schema) -> i64 {
    schema.status().await.unwrap().last().unwrap().version
}

fn versions(status: &[MigrationStatus], state: MigrationState) -> Vec<i64> {
    status
        .iter()
        .filter(|status| status.state == state)
        .map(|status| status.version)
        .collect()
}

/// A catalogue of the newest schema with rows in all its tables.
async fn full(world: &World) -> Schema {
    let catalogue = world.catalogue().await;
    let rows = vec![
        repository("a", &[("x.rs", "one"), ("y.rs", "two"), ("z.rs", "two")]),
        failed("broken"),
    ];
    catalogue
        .commit(&batch(&["one", "two"], rows), RECIPE, None)
        .await
        .unwrap();
    let input = catalogue.dedup_input().await.unwrap();
    let ids: Vec<i64> = input.candidates.iter().map(|file| file.file_id).collect();
    let twin = Duplicate {
        file_id: ids[2],
        reason: Reason::ExactDuplicate,
        kept_file_id: ids[1],
        jaccard: 1.0,
    };
    catalogue
        .replace_duplicates(&[twin], "state", input.generation, None)
        .await
        .unwrap();
    let decisions = [(ids[0], Ok(Split::Train)), (ids[1], Err(Reason::LicenseNotAllowed))]
        .map(|(file_id, outcome)| BuildDecision { file_id, outcome });
    catalogue
        .link_build(&build("b"), &decisions, input.generation, None)
        .await
        .unwrap();
    let jobs = ["one", "two"].map(|key| NewJob {
        key: key.to_owned(),
        name: "work".to_owned(),
        run: "run".to_owned(),
        step: 0,
        priority: 0,
        version: 1,
        payload: "{}".to_owned(),
        trace_parent: None,
    });
    catalogue.enqueue(&jobs).await.unwrap();
    let occurrence = ErrorOccurrence::new("store", ErrorCode::Database, "it broke", ErrorContext::new());
    catalogue.record_errors(&[(occurrence, 3)]).await.unwrap();
    let crawl = catalogue
        .open_crawl("github.com", "q", &[Slice::default()])
        .await
        .unwrap();
    let page = CrawledPage {
        repositories: &[hosted(1, "o/a")],
        after: AfterPage::Done,
        total: Some(1),
        incomplete: false,
        skipped: 0,
    };
    catalogue.record_page(crawl, Slice::default(), &page).await.unwrap();
    let candidate = CandidateRow {
        blob: BlobId::of(b"one"),
        candidate: BlobId::of(b"two"),
        shared: 3,
    };
    catalogue.record_candidates(&[candidate], None).await.unwrap();
    crate::training::fill(&catalogue).await;
    if !world.is_sqlite() {
        fill_index(&catalogue).await;
    }
    catalogue.close().await;
    let counts = counts(world).await;
    assert!(
        counts.values().all(|rows| *rows > 0),
        "every table has rows: {counts:?}"
    );
    connect(&world.url).await
}

/// An LSH index that has everything.
async fn fill_index(catalogue: &Catalogue) {
    let folder = DataFolder::new("unused");
    let parameters = crate::lsh::parameters();
    let index = lsh::open(LshKind::Postgres, &folder.lsh(), catalogue, &parameters)
        .await
        .unwrap();
    index.insert(&[crate::lsh::document(1, &[1, 2, 3])]).await.unwrap();
    let comparison = Comparison {
        low: 0,
        high: 1,
        jaccard: None,
    };
    index.remember(0.7, &[comparison]).await.unwrap();
}

/// How many rows each table has, but the one in which migrations are noted.
async fn counts(world: &World) -> BTreeMap<String, i64> {
    let tables = if world.is_sqlite() {
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name <> '_sqlx_migrations'"
    } else {
        "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition
         AND relnamespace = 'public'::regnamespace AND relname <> '_sqlx_migrations'"
    };
    let mut counts = BTreeMap::new();
    for table in world.texts(tables).await {
        let rows = world.texts(&format!("SELECT count(*) || '' FROM {table}")).await[0]
            .parse()
            .unwrap();
        counts.insert(table, rows);
    }
    counts
}

/// Waits until it is so, a minute at most.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..6000 {
        if is_so().await {
            return;
        }
        sleep(Duration::from_millis(10)).await;
    }
    panic!("it took too long until {what}");
}
