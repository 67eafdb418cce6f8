//! Near-duplicate detection on real files, against the truth and beside other libraries.

use std::io::Write;
use std::path::PathBuf;

use anyhow::Context;
use codelupe_components::whole_crates;
use codelupe_core::error::ErrorCode;
use codelupe_dedup::{BINS, near_pairs, reference_shingles, reference_tokens};
use tempfile::NamedTempFile;

use crate::cli::DedupArguments;
use crate::contestant::{self, Answer, Contestant};
use crate::failure::Failure;
use crate::output::print;
use crate::own;
use crate::report::{Judged, Report};

pub(crate) fn run(json: bool, arguments: &DedupArguments) -> anyhow::Result<()> {
    if let Some(list) = &arguments.list {
        let run = own::run(&contestant::read(list)?)?;
        return print(true, &run, String::new);
    }
    let files = real_files(arguments.files as usize);
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
    print(json, &report, || report.markdown())
}

/// Files of unpacked crates that have a shingle, with their paths.
pub(crate) fn real_files(count: usize) -> Vec<(PathBuf, Vec<u8>)> {
    whole_crates(count, |text| reference_tokens(text).nth(4).is_some())
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
