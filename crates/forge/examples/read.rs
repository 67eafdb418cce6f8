//! Reads everything in a source and prints what it took: `cargo run --release --example read -- repos:checkouts`.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::time::Instant;

use codelupe_core::{Reason, Verdict};
use codelupe_forge::{Found, Limits, Source, discover, open, revision};

fn main() -> Result<(), Box<dyn Error>> {
    let source: Source = std::env::args().nth(1).ok_or("usage: read SOURCE")?.parse()?;
    let limits = Limits::default();
    let started = Instant::now();
    let located: Vec<_> = discover(&source)?.into_iter().filter_map(Found::into_local).collect();
    let discovered = started.elapsed();
    let started = Instant::now();
    let unchanged = located.iter().filter(|one| revision(one, &limits).is_ok()).count();
    let revisions = started.elapsed();
    let started = Instant::now();
    let mut total = Total::default();
    let mut buffer = Vec::new();
    for one in &located {
        match open(one, &limits) {
            Ok(mut snapshot) => {
                for index in 0..snapshot.entries().len() {
                    let read = snapshot.read(index, &mut buffer);
                    total.count(
                        snapshot.entries()[index].verdict,
                        read.map_err(|failure| failure.reason),
                        buffer.len(),
                    );
                }
            }
            Err(error) => total.refused.push(error.to_string()),
        }
    }
    let took = started.elapsed().as_secs_f64();
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{} repositories in {discovered:.1?}, {unchanged} revisions in {revisions:.1?}",
        located.len()
    )?;
    let (files, bytes) = (total.files as f64, total.bytes as f64 / 1e6);
    writeln!(
        out,
        "{files} files, {bytes:.1} MB in {took:.2} s: {:.0} files/s, {:.0} MB/s",
        files / took,
        bytes / took
    )?;
    for (reason, count) in total.dropped {
        writeln!(out, "  dropped {count} {reason}")?;
    }
    for refused in total.refused {
        writeln!(out, "  refused {refused}")?;
    }
    Ok(())
}

#[derive(Default)]
struct Total {
    files: usize,
    bytes: usize,
    dropped: BTreeMap<Reason, usize>,
    refused: Vec<String>,
}

impl Total {
    fn count(&mut self, listed: Verdict, read: Result<(), Reason>, length: usize) {
        match (listed, read) {
            (Verdict::Kept, Ok(())) => {
                self.files += 1;
                self.bytes += length;
            }
            (Verdict::Dropped(reason), _) | (Verdict::Kept, Err(reason)) => {
                *self.dropped.entry(reason).or_default() += 1;
            }
        }
    }
}
