//! How long questions to a corpus take, in one process that stays: `lookups DATA_FOLDER FILE…`, each file asked once.
//!
//! `cargo run --release -p codelupe-pipeline --example lookups -- codelupe-data $(find src -name '*.rs')`

#![expect(clippy::print_stdout, reason = "figures are what it is for")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use codelupe_catalogue::{Catalogue, CatalogueUrl};
use codelupe_corpus::DataFolder;
use codelupe_dedup::Threshold;
use codelupe_inspect::{Finder, Question};
use codelupe_pipeline::Config;
use tokio::runtime::Runtime;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = DataFolder::new(arguments.next().ok_or("a data folder is wanted")?);
    let runtime = Runtime::new()?;
    let catalogue = runtime.block_on(Catalogue::open_read_only(&CatalogueUrl::Sqlite(folder.catalogue())))?;
    let finder = Finder::open(Config::default().rules(), &folder, &catalogue, runtime.handle())?;
    let (mut times, mut matches) = (Vec::new(), 0);
    for file in arguments {
        let bytes = std::fs::read(&file)?;
        let name = Path::new(&file).file_name().unwrap_or_default().to_string_lossy();
        let start = Instant::now();
        let answer = finder.find(&Question {
            name: &name,
            bytes: &bytes,
            threshold: Threshold::default(),
            limit: 10,
        })?;
        times.push(start.elapsed().as_secs_f64() * 1e3);
        matches += answer.matches.len();
    }
    times.sort_by(f64::total_cmp);
    let at = |hundredths: usize| times.get((times.len() * hundredths / 100).min(times.len().saturating_sub(1)));
    println!(
        "{} questions, {matches} contents found; milliseconds: median {:.2?}, p95 {:.2?}, p99 {:.2?}",
        times.len(),
        at(50).unwrap_or(&0.0),
        at(95).unwrap_or(&0.0),
        at(99).unwrap_or(&0.0)
    );
    Ok(())
}
