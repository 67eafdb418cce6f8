//! What a run writes into the database for some thousand real files: the earlier system's way (a row with its content at a
//! time) beside ours (`Catalogue::commit`, contents outside), in turn, on one PostgreSQL server over TCP; and ours on SQLite.
//!
//! `cargo bench -p codelupe-catalogue --bench inserts`

#![expect(clippy::print_stdout, reason = "a bench prints what it measured")]

#[path = "inserts/earlier.rs"]
mod earlier;
#[path = "inserts/files.rs"]
mod files;
#[path = "inserts/ours.rs"]
mod ours;

use std::error::Error;
use std::time::Duration;

use codelupe_catalogue::{Catalogue, CatalogueUrl, Migrate};
use codelupe_testkit::postgres::Server;

/// Files that are stored in each round.
const FILES: usize = 4000;

/// Rounds; the median counts.
const ROUNDS: usize = 7;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let files = files::distinct_files(FILES);
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    println!(
        "{} files of {} crates, {:.1} MB",
        files.len(),
        files::crates(&files),
        bytes as f64 / 1e6
    );
    let batches = ours::batches(&files)?;
    let rows = ours::rows(&batches);
    let server = Server::with_settings(&[("shared_buffers", "512MB")]);
    let (mut earlier, mut ours, mut sqlite) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let url = server.database();
        server.psql("postgres", "CHECKPOINT");
        earlier.push(earlier::insert(&url, &files).await?);
        let url: CatalogueUrl = server.database().parse()?;
        let catalogue = Catalogue::open(&url, Migrate::Allowed).await?;
        server.psql("postgres", "CHECKPOINT");
        ours.push(ours::commit(&catalogue, &batches).await?);
        catalogue.close().await;
        let folder = tempfile::tempdir()?;
        let url = CatalogueUrl::Sqlite(folder.path().join("catalogue.sqlite"));
        let catalogue = Catalogue::open(&url, Migrate::Allowed).await?;
        sqlite.push(ours::commit(&catalogue, &batches).await?);
        catalogue.close().await;
    }
    let row = |name: &str, rows: usize, times: &mut Vec<Duration>| {
        times.sort_unstable();
        let (best, median, worst) = (times[0], times[ROUNDS / 2], times[ROUNDS - 1]);
        println!(
            "{name:<44} {:>9.0} files/s {:>9.0} rows/s   {median:>10.1?} ({best:.1?} to {worst:.1?})",
            files.len() as f64 / median.as_secs_f64(),
            rows as f64 / median.as_secs_f64(),
        );
        median.as_secs_f64()
    };
    println!("medians of {ROUNDS} rounds, in turn; fsync and synchronous_commit on; TCP");
    let a = row("A PostgreSQL, row by row, 50 a transaction", files.len(), &mut earlier);
    let b = row("B PostgreSQL, Catalogue::commit", rows, &mut ours);
    row("C SQLite, Catalogue::commit", rows, &mut sqlite);
    println!(
        "B is {:.1} times A by files, {:.1} times by rows",
        a / b,
        a / b * rows as f64 / files.len() as f64
    );
    let segment = ours::write_segment(&files)?;
    println!("not in B and C: writing the same contents into a Parquet segment, {segment:.1?}");
    Ok(())
}
