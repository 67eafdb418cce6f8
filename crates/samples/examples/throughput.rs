//! How fast files become rows of tokens, in MB of text for each CPU second of one thread.
//!
//! ```sh
//! cargo run --release -p codelupe-samples --example throughput -- [FOLDER] [MB] [VOCABULARY]
//! ```
//!
//! Reads the Rust files of a folder (cargo's sources of other crates, where none is named), takes each folder in it for a
//! repository, learns a tokenizer from some of them and measures: encoding alone, samples of each kind, and all of
//! [`write_dataset`]. Each figure is the median of three runs, which alternate.

#![expect(clippy::print_stdout, reason = "its figures are for the one who runs it")]

use std::convert::Infallible;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use codelupe_core::Language;
use codelupe_samples::{Document, Provenance, SampleConfig, Sampler, Tokenizer, write_dataset};

/// A second has so many ticks of `/proc/self/stat` (`USER_HZ` on all but exotic systems).
const TICKS: f64 = 100.0;

/// A figure and how it is measured.
type Measured<'a> = (&'static str, Box<dyn Fn() -> anyhow::Result<()> + 'a>);

fn main() -> anyhow::Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(sources, |folder| Ok(folder.into()))?;
    let megabytes: usize = arguments.next().as_deref().unwrap_or("100").parse()?;
    let vocabulary: usize = arguments.next().as_deref().unwrap_or("32000").parse()?;
    let documents = documents(&folder, megabytes * 1_000_000)?;
    let bytes: usize = documents.iter().map(|document| document.text.len()).sum();
    println!(
        "{} files, {:.1} MB, of {}",
        documents.len(),
        bytes as f64 / 1e6,
        folder.display()
    );

    let scratch = tempfile::tempdir()?;
    let before = cpu_seconds()?;
    let learned_from = documents.iter().step_by(8).map(|document| &document.text);
    let tokenizer = Tokenizer::train_bpe(learned_from, vocabulary, scratch.path())?;
    println!(
        "tokenizer of {} ids learned in {:.1} CPU s",
        tokenizer.vocabulary_size(),
        cpu_seconds()? - before
    );

    let configs = configs();
    let mut measured: Vec<Measured<'_>> = vec![("encoding alone", Box::new(|| encode(&documents, &tokenizer)))];
    for (name, config) in &configs {
        measured.push((name, Box::new(|| sample(&documents, &tokenizer, config))));
    }
    let whole = &configs[configs.len() - 1].1;
    measured.push((
        "write_dataset, default settings",
        Box::new(|| write(&documents, &tokenizer, whole, scratch.path())),
    ));
    for (name, seconds) in medians(&measured)? {
        println!("{name:<44} {:>6.1} MB per CPU second", bytes as f64 / 1e6 / seconds);
    }
    report(&documents, &tokenizer, whole, scratch.path())
}

/// Settings that bring out what each kind of sample costs; the default ones last.
fn configs() -> Vec<(&'static str, SampleConfig)> {
    let plain = SampleConfig {
        fim_rate: 0.0,
        repository_share: 0.0,
        instruction_share: 0.0,
        ..SampleConfig::default()
    };
    vec![
        ("continuations", plain.clone()),
        (
            "half with holes",
            SampleConfig {
                fim_rate: 0.5,
                ..plain.clone()
            },
        ),
        (
            "all with holes",
            SampleConfig {
                fim_rate: 1.0,
                ..plain.clone()
            },
        ),
        (
            "repositories",
            SampleConfig {
                repository_share: 1.0,
                ..plain.clone()
            },
        ),
        (
            "instructions",
            SampleConfig {
                instruction_share: 1.0,
                ..plain
            },
        ),
        ("default settings", SampleConfig::default()),
    ]
}

fn encode(documents: &[Document], tokenizer: &Tokenizer) -> anyhow::Result<()> {
    let mut tokens = Vec::new();
    for document in documents {
        tokens.clear();
        tokenizer.encode_text(&document.text, &mut tokens)?;
    }
    Ok(())
}

fn sample(documents: &[Document], tokenizer: &Tokenizer, config: &SampleConfig) -> anyhow::Result<()> {
    let sampler = Sampler::new(tokenizer, config)?;
    for files in documents.chunk_by(|one, other| one.repository == other.repository) {
        if sampler.takes_whole(&files[0].repository, files.len()) {
            std::hint::black_box(sampler.repository(files.to_vec())?);
        } else {
            for file in files {
                std::hint::black_box(sampler.file(file)?);
            }
        }
    }
    Ok(())
}

fn write(documents: &[Document], tokenizer: &Tokenizer, config: &SampleConfig, scratch: &Path) -> anyhow::Result<()> {
    let out = scratch.join("dataset");
    if out.exists() {
        fs::remove_dir_all(&out)?;
    }
    let documents = documents.iter().cloned().map(Ok::<_, Infallible>);
    write_dataset(documents, tokenizer, config, &out, &Provenance::default())?;
    Ok(())
}

/// What the rows are like.
fn report(documents: &[Document], tokenizer: &Tokenizer, config: &SampleConfig, scratch: &Path) -> anyhow::Result<()> {
    write(documents, tokenizer, config, scratch)?;
    let summary = codelupe_samples::read_summary(&scratch.join("dataset"))?;
    println!(
        "{} rows, {:.2} % filled, {:?}",
        summary.rows,
        summary.fill() * 100.0,
        summary.total
    );
    for (kind, count) in &summary.by_kind {
        println!("{:<14} {count:?}", kind.name());
    }
    println!("{:?}", summary.documents);
    let before = cpu_seconds()?;
    let dataset = codelupe_samples::Dataset::open(&scratch.join("dataset"))?;
    println!(
        "opened and checked {} rows in {:.2} CPU s",
        dataset.len(),
        cpu_seconds()? - before
    );
    Ok(())
}

/// The median of three runs of each, alternating, in CPU seconds.
fn medians(measured: &[Measured<'_>]) -> anyhow::Result<Vec<(&'static str, f64)>> {
    let mut seconds: Vec<Vec<f64>> = vec![vec![]; measured.len()];
    for _ in 0..3 {
        for ((_, run), seconds) in measured.iter().zip(&mut seconds) {
            let before = cpu_seconds()?;
            run()?;
            seconds.push(cpu_seconds()? - before);
        }
    }
    let median = |mut seconds: Vec<f64>| {
        seconds.sort_by(f64::total_cmp);
        seconds[1]
    };
    Ok(measured
        .iter()
        .map(|(name, _)| *name)
        .zip(seconds.into_iter().map(median))
        .collect())
}

/// What this process has used of the CPU, in user and system mode.
fn cpu_seconds() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("needs Linux")?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks / TICKS)
}

/// Where cargo keeps the sources of other crates.
fn sources() -> anyhow::Result<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cargo")));
    let registry = home.context("no home folder")?.join("registry/src");
    let first = fs::read_dir(&registry)?
        .next()
        .context("no sources of other crates")??;
    Ok(first.path())
}

/// Rust files up to a number of bytes, sorted.
fn documents(folder: &Path, most: usize) -> anyhow::Result<Vec<Document>> {
    let mut repositories: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    repositories.sort();
    let mut documents = Vec::new();
    let mut bytes = 0;
    for root in repositories.iter().filter(|root| root.is_dir()) {
        collect(root, root, &mut documents, &mut bytes)?;
        if bytes >= most {
            break;
        }
    }
    documents.sort_by(|one, other| one.sort_key().cmp(&other.sort_key()));
    Ok(documents)
}

fn collect(root: &Path, folder: &Path, documents: &mut Vec<Document>, bytes: &mut usize) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(root, &path, documents, bytes)?;
        } else if path.extension().is_some_and(|ending| ending == "rs")
            && let Ok(text) = fs::read_to_string(&path)
        {
            *bytes += text.len();
            documents.push(Document {
                repository: root.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                path: path.strip_prefix(root)?.to_string_lossy().into_owned(),
                language: Language::known("Rust"),
                text,
            });
        }
    }
    Ok(())
}
