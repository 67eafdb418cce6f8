//! `codelupe bench`: `dedup` is near-duplicate detection on real files, against the truth and beside other libraries; `index` is
//! the LSH index with many made-up documents; `train` is the trainer, beside torch.

mod contestant;
mod meter;
mod own;
mod report;
mod scale;
mod synthetic;
mod training;
#[path = "../../../dedup/benches/corpus/whole_crates.rs"]
mod whole_crates;

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use codelupe_core::ErrorCode;
use codelupe_dedup::evaluation::{BINS, near_pairs, reference_shingles};
use tempfile::NamedTempFile;

use self::contestant::{Answer, Contestant};
use self::report::{Judged, Report};
use crate::cli::{BenchDedupArguments, BenchIndexArguments, BenchTrainArguments};
use crate::failure::Failure;
use crate::output::print;
use crate::settings::Settings;

pub(crate) fn dedup(settings: &Settings, arguments: &BenchDedupArguments) -> anyhow::Result<()> {
    if let Some(list) = &arguments.list {
        let run = own::run(&contestant::read(list)?)?;
        return print(true, &run, String::new);
    }
    let files = whole_crates::whole_crates(arguments.files as usize);
    if files.len() < 2 {
        let what = "cargo has unpacked no sources on this machine; `cargo fetch` in a project brings some";
        return Err(Failure::new(ErrorCode::NotFound, what).into());
    }
    let (paths, texts): (Vec<PathBuf>, Vec<Vec<u8>>) = files.into_iter().unzip();
    let list = list_of(&paths)?;
    let truth = {
        let sets: Vec<Vec<u64>> = texts.iter().map(|text| reference_shingles(text)).collect();
        near_pairs(&sets, BINS[0].0)
    };
    let bytes = texts.iter().map(Vec::len).sum();
    let bins = own::bins(&texts, &truth);
    drop(texts);
    let contestants = Contestant::all(arguments.peers.as_deref());
    let mut answers: Vec<Vec<Answer>> = vec![Vec::new(); contestants.len()];
    for round in 1..=arguments.rounds {
        for (contestant, answers) in contestants.iter().zip(&mut answers) {
            // One that failed once will fail again.
            if !answers.iter().any(Answer::failed) {
                tracing::info!("round {round}: {}", contestant.name());
                answers.push(contestant.run(list.path())?);
            }
        }
    }
    let judged = contestants.iter().zip(answers);
    let report = Report {
        files: paths.len(),
        bytes,
        bins,
        contestants: judged
            .map(|(contestant, answers)| Judged::of(contestant.name(), answers, &truth))
            .collect(),
    };
    print(settings.json, &report, || report.markdown())
}

pub(crate) async fn index(settings: &Settings, arguments: &BenchIndexArguments) -> anyhow::Result<()> {
    if arguments.single {
        let point = scale::run(arguments.documents, &arguments.folder).await?;
        return print(true, &point, String::new);
    }
    let points = scale::points(arguments.documents, &arguments.folder)?;
    print(settings.json, &points, || scale::markdown(&points))
}

pub(crate) fn train(settings: &Settings, arguments: &BenchTrainArguments) -> anyhow::Result<()> {
    if !arguments.single.is_empty() {
        return print(true, &training::one(&arguments.single)?, String::new);
    }
    let report = training::run(arguments)?;
    print(settings.json, &report, || training::markdown(&report))
}

/// A file with a path a line.
fn list_of(paths: &[PathBuf]) -> anyhow::Result<NamedTempFile> {
    let mut list = NamedTempFile::new().context("cannot make a temporary file")?;
    for path in paths {
        list.write_all(path.as_os_str().as_encoded_bytes())?;
        list.write_all(b"\n")?;
    }
    list.flush()?;
    Ok(list)
}
