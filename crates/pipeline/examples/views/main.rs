//! What each view of a text makes of real files: the tables in `docs/dedup.md` that the default of `dedup.view` was chosen by.
//!
//! `views [FOLDER…]`: the source files under the folders; without any, those of the crates that cargo has unpacked.
//! With `VIEWS_SAMPLE=N` it also prints N pairs that a view alone takes for near-duplicates, to be read by a person;
//! `VIEWS_FILES=N` compares so many files.

#![expect(clippy::print_stdout, reason = "a program that prints tables")]

mod changes;
mod corpus;

use std::collections::BTreeSet;
use std::time::Instant;

use codelupe_dedup::{Pairs, near_pairs};
use codelupe_dedup::{ShingleSize, Signer, jaccard, shingles};
use codelupe_process::View;

use corpus::File;

/// Files that changes are planted in.
const CHANGED: usize = 1000;

/// Files that all pairs of are compared, unless told.
const COMPARED: usize = 3000;

/// The similarity from which two files are near-duplicates (`BigCode`).
const THRESHOLD: f64 = 0.7;

/// Rounds of a timed run; the quickest counts, since others share the machine.
const ROUNDS: usize = 7;

const VIEWS: [View; 3] = [View::Text, View::Code, View::Structure];

fn main() {
    let all = corpus::files(std::env::args_os().skip(1).map(Into::into).collect());
    println!("{} files\n", all.len());
    planted(&corpus::spread(&all, CHANGED));
    let compared = corpus::spread(&all, number("VIEWS_FILES").unwrap_or(COMPARED));
    pairs(&compared);
    costs(&compared);
}

/// Of files with a planted change, the share that is near its original, by view.
fn planted(files: &[File]) {
    println!("| change | files | text | code | structure |\n|---|---|---|---|---|");
    for (name, change) in changes::CHANGES {
        let mut near = [0_usize; 3];
        let mut changed = 0_usize;
        for file in files {
            let Some((before, after)) = change(file) else { continue };
            changed += 1;
            for (near, view) in near.iter_mut().zip(VIEWS) {
                let [a, b] = [before.as_str(), after.as_str()].map(|text| set(view, file.language, text));
                *near += usize::from(jaccard(&a, &b) >= THRESHOLD);
            }
        }
        let shares = near.map(|near| format!("{:.1} %", 100.0 * near as f64 / changed.max(1) as f64));
        println!("| {name} | {changed} | {} |", shares.join(" | "));
    }
}

/// The pairs that each view takes for near-duplicates, and those that it takes alone.
fn pairs(files: &[File]) {
    let sets = VIEWS.map(|view| {
        let sets = files.iter().map(|file| set(view, file.language, &file.text));
        sets.collect::<Vec<_>>()
    });
    let near: [BTreeSet<(u32, u32)>; 3] = sets.each_ref().map(|sets| {
        let pairs: Pairs = near_pairs(sets, THRESHOLD);
        pairs.into_keys().collect()
    });
    println!(
        "\n| pairs of {} files | text | code | structure |\n|---|---|---|---|",
        files.len()
    );
    let row = |name: &str, count: &dyn Fn(usize) -> usize| {
        println!("| {name} | {} | {} | {} |", count(0), count(1), count(2));
    };
    row("near-duplicates", &|view| near[view].len());
    row("of different projects", &|view| {
        near[view].iter().filter(|pair| apart(files, **pair)).count()
    });
    for (other, name) in ["not by text", "not by code", "not by structure"].iter().enumerate() {
        row(name, &|view| near[view].difference(&near[other]).count());
    }
    let Some(sample) = number("VIEWS_SAMPLE") else { return };
    for (view, other) in [(1, 0), (0, 1), (2, 1)] {
        println!("\n## {:?}, not {:?}\n", VIEWS[view], VIEWS[other]);
        let only: Vec<(u32, u32)> = near[view].difference(&near[other]).copied().collect();
        for (a, b) in corpus::spread(&only, sample) {
            let similar = sets
                .each_ref()
                .map(|sets| jaccard(&sets[a as usize], &sets[b as usize]));
            println!(
                "{similar:.2?}\n  {}\n  {}",
                files[a as usize].path.display(),
                files[b as usize].path.display()
            );
        }
    }
}

fn number(name: &str) -> Option<usize> {
    std::env::var(name).ok()?.parse().ok()
}

fn apart(files: &[File], (a, b): (u32, u32)) -> bool {
    files[a as usize].project() != files[b as usize].project()
}

/// What a view costs, and how many files it leaves without a signature.
fn costs(files: &[File]) {
    let bytes: usize = files.iter().map(|file| file.text.len()).sum();
    println!(
        "\n| {:.1} MB | text | code | structure |\n|---|---|---|---|",
        bytes as f64 / 1e6
    );
    let row = |name: &str, cells: [String; 3]| println!("| {name} | {} |", cells.join(" | "));
    row(
        "left of the text",
        VIEWS.map(|view| {
            let left: usize = files
                .iter()
                .map(|file| view.of(Some(file.language), &file.text).len())
                .sum();
            format!("{:.1} %", 100.0 * left as f64 / bytes as f64)
        }),
    );
    row(
        "without signature",
        VIEWS.map(|view| {
            let without = files
                .iter()
                .filter(|file| set(view, file.language, &file.text).is_empty());
            without.count().to_string()
        }),
    );
    row(
        "view, MB/s",
        VIEWS.map(|view| {
            if view == View::Text {
                return "–".to_owned();
            }
            speed(bytes, || {
                files
                    .iter()
                    .map(|file| view.of(Some(file.language), &file.text).len())
                    .sum()
            })
        }),
    );
    let mut signer = Signer::new(ShingleSize::default());
    row(
        "view and signature, MB/s",
        VIEWS.map(|view| {
            speed(bytes, || {
                let seen = files.iter().map(|file| view.of(Some(file.language), &file.text));
                seen.filter_map(|seen| signer.sign(seen.as_bytes())).count()
            })
        }),
    );
}

fn speed(bytes: usize, mut work: impl FnMut() -> usize) -> String {
    let mut quickest = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        std::hint::black_box(work());
        quickest = quickest.min(start.elapsed().as_secs_f64());
    }
    format!("{:.0}", bytes as f64 / 1e6 / quickest)
}

fn set(view: View, language: &str, text: &str) -> Vec<u64> {
    shingles(view.of(Some(language), text).as_bytes(), ShingleSize::default())
}
