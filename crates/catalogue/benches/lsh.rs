//! LSH indexes in memory, in files and in PostgreSQL (over TCP, with fsync): signatures stored a second, and how long a
//! question takes, with 256 permutations and 25 bands.
//!
//! `cargo bench -p codelupe-catalogue --bench lsh [-- [DOCUMENTS] [memory] [disk] [postgres]]`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use codelupe_catalogue::{
    Catalogue, CatalogueUrl, Migrate, lsh, lsh::LshIndex, lsh::LshKind, lsh::NeighborLimits, lsh::SignedDocument,
};
use codelupe_core::random::splitmix;
use codelupe_core::{BlobId, LshParameters};
use codelupe_corpus::DataFolder;
use codelupe_testkit::postgres::Server;

const DOCUMENTS: u64 = 1_000_000;

/// Documents in a call.
const BATCH: u64 = 100_000;

/// Calls at a time, as of so many workers.
const WORKERS: u64 = 2;

/// Documents that are asked about.
const QUESTIONS: u64 = 5000;

/// A tenth of the documents are in families of about a hundred.
const FAMILIES: u64 = 1000;

const LIMITS: NeighborLimits = NeighborLimits {
    bucket: 1024,
    neighbors: 1024,
};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let documents = arguments.iter().find_map(|argument| argument.parse().ok());
    let documents = documents.unwrap_or(DOCUMENTS).next_multiple_of(BATCH);
    let kinds = [
        ("memory", LshKind::Memory),
        ("disk", LshKind::Disk),
        ("postgres", LshKind::Postgres),
    ];
    let named = |name: &str| arguments.iter().any(|argument| argument == name);
    let all = !kinds.iter().any(|(name, _)| named(name));
    println!("{documents} documents, calls of {BATCH}, {WORKERS} at a time");
    for (name, kind) in kinds {
        if all || named(name) {
            measure(name, kind, documents).await?;
        }
    }
    Ok(())
}

async fn measure(name: &str, kind: LshKind, documents: u64) -> Result<(), Box<dyn Error>> {
    let scratch = tempfile::tempdir()?;
    let server = (kind == LshKind::Postgres)
        .then(|| Server::with_settings(&[("shared_buffers", "1GB"), ("max_wal_size", "8GB")]));
    let url = match &server {
        Some(server) => server.database().parse()?,
        None => CatalogueUrl::Sqlite(scratch.path().join("catalogue.sqlite")),
    };
    let catalogue = Catalogue::open(&url, Migrate::Allowed).await?;
    let folder = DataFolder::new(scratch.path().join("data"));
    let index = lsh::open(kind, &folder.lsh(), &catalogue, &parameters()).await?;
    let (mut all, mut last) = (Duration::ZERO, Duration::ZERO);
    for first in (0..documents).step_by(usize::try_from(BATCH * WORKERS)?) {
        last = insert(&index, first, documents).await?;
        all += last;
    }
    let figures = index.figures().await?;
    println!(
        "{name:<9} stored {:>9.0}/s, the last {:>9.0}/s; {:.0} bytes a document, {} runs",
        documents as f64 / all.as_secs_f64(),
        (BATCH * WORKERS).min(documents) as f64 / last.as_secs_f64(),
        figures.bytes as f64 / figures.documents as f64,
        figures.sorted_files
    );
    ask(name, &*index, documents).await?;
    let start = Instant::now();
    let mut groups = 0_u64;
    index.groups(0, &mut |_| groups += 1).await?;
    println!("{name:<9} a band whole: {:.2?}, {groups} groups", start.elapsed());
    catalogue.close().await;
    Ok(())
}

/// Inserts a batch for each worker, and says how long it took.
async fn insert(index: &Arc<dyn LshIndex>, first: u64, end: u64) -> Result<Duration, Box<dyn Error>> {
    let firsts = (first..end.min(first + BATCH * WORKERS)).step_by(usize::try_from(BATCH)?);
    let batches: Vec<Vec<SignedDocument>> = firsts
        .map(|first| (first..first + BATCH).map(document).collect())
        .collect();
    let start = Instant::now();
    let inserts: Vec<_> = batches
        .into_iter()
        .map(|batch| {
            let index = Arc::clone(index);
            tokio::spawn(async move { index.insert(&batch).await })
        })
        .collect();
    for insert in inserts {
        assert_eq!(insert.await??, BATCH, "all are new");
    }
    Ok(start.elapsed())
}

async fn ask(name: &str, index: &dyn LshIndex, documents: u64) -> Result<(), Box<dyn Error>> {
    for (what, offset) in [("documents that are there", 0), ("documents that are not", documents)] {
        let mut times = Vec::new();
        let mut found = 0;
        for n in 0..QUESTIONS {
            let keys = document(splitmix(n) % documents + offset).keys;
            let start = Instant::now();
            found += index.neighbors(&keys, LIMITS).await?.found.len();
            times.push(start.elapsed());
        }
        times.sort_unstable();
        let at = |share: usize| times[times.len() * share / 1000];
        println!(
            "{name:<9} {what}: median {:.2?}, p99 {:.2?}, p99.9 {:.2?}; {:.1} neighbors",
            at(500),
            at(990),
            at(999),
            found as f64 / QUESTIONS as f64
        );
    }
    Ok(())
}

fn parameters() -> LshParameters {
    LshParameters {
        scheme: "bench".to_owned(),
        recipe: "bench".to_owned(),
        shingle_tokens: 5,
        permutations: 256,
        bands: 25,
        rows: 10,
    }
}

fn document(n: u64) -> SignedDocument {
    let in_family = splitmix(n + 5).is_multiple_of(10);
    let family = if in_family {
        u64::MAX - splitmix(n + 9) % FAMILIES
    } else {
        n
    };
    let words =
        |count: u64, salt: u64| (0..count).map(move |word| splitmix(n.wrapping_mul(salt) ^ splitmix(word + salt)));
    let mut blob = [0; 20];
    for (bytes, word) in blob.chunks_mut(8).zip(words(3, 3)) {
        bytes.copy_from_slice(&word.to_le_bytes()[..bytes.len()]);
    }
    SignedDocument {
        blob: BlobId::from_bytes(blob),
        signature: words(128, 7).flat_map(u64::to_le_bytes).collect(),
        keys: (0..25)
            .map(|band| splitmix(family.wrapping_mul(25) ^ splitmix(band)))
            .collect(),
    }
}
