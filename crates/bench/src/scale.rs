//! Many made-up documents through the LSH index on disk, and questions to it.

use std::fmt::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;
use codelupe_catalogue::{
    Catalogue, CatalogueUrl, Migrate, lsh, lsh::LshIndex, lsh::LshKind, lsh::NeighborLimits, lsh::SignedDocument,
};
use codelupe_core::{BlobId, LshParameters, error::ErrorCode};
use codelupe_corpus::DataFolder;
use codelupe_dedup::{
    Banding, ElectionConfig, ElectionOutcome, Groups, MAX_PERMUTATIONS, SCHEME, ShingleSize, Signer, elect,
};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::failure::Failure;
use crate::meter::{cpu_seconds, peak_bytes};
use crate::synthetic::Synthetic;

/// Documents inserted at once.
const INSERTED_AT_ONCE: u32 = 50_000;

/// Copies that are looked at by brute force, and questions asked.
const SAMPLE: u32 = 10_000;

/// What was measured with a number of documents.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Point {
    /// Documents.
    pub(crate) documents: u32,
    /// Bytes of their texts.
    pub(crate) bytes: u64,
    /// Wall time of making texts, signing them and inserting them.
    pub(crate) insert_seconds: f64,
    /// Wall time of reading the groups.
    pub(crate) group_seconds: f64,
    /// Wall time of the election; texts are made again for it.
    pub(crate) elect_seconds: f64,
    /// Processor time of all of it.
    pub(crate) cpu_seconds: f64,
    /// The most memory held.
    pub(crate) peak_bytes: u64,
    /// Size of the index.
    pub(crate) index_bytes: u64,
    /// Documents dropped.
    pub(crate) dropped: u64,
    /// Of a sample of the dropped, those whose kept twin is less similar than the threshold.
    pub(crate) wrong: u64,
    /// Of a sample of the copies, those that are near-duplicates of their origin.
    pub(crate) near: u64,
    /// Of these, as many as the curve of the banding expects to be found.
    pub(crate) expected: f64,
    /// Of these, as many as were dropped.
    pub(crate) found: u64,
    /// Microseconds of a question to the index: half of them take less.
    pub(crate) question_p50: f64,
    /// 99 of 100 take less.
    pub(crate) question_p99: f64,
    /// The same, and the comparison of everything that was found with the text.
    pub(crate) answer_p99: f64,
}

impl Point {
    /// Wall time from the first text to the last survivor.
    pub(crate) fn seconds(&self) -> f64 {
        self.insert_seconds + self.group_seconds + self.elect_seconds
    }
}

/// A quarter of the documents, half of them, and all, each in a process of its own.
pub(crate) fn points(documents: u32, folder: &Path) -> anyhow::Result<Vec<Point>> {
    let program = std::env::current_exe().context("cannot find this program")?;
    let point = |documents: u32| -> anyhow::Result<Point> {
        tracing::info!(documents, "measuring");
        let output = Command::new(&program)
            .args(["index", "--single", "--documents", &documents.to_string(), "--folder"])
            .arg(folder)
            .stderr(Stdio::inherit())
            .output()
            .context("cannot start this program")?;
        if !output.status.success() {
            let why = format!("the run with {documents} documents ended by {}", output.status);
            return Err(Failure::new(ErrorCode::Internal, why).into());
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    [documents / 4, documents / 2, documents]
        .into_iter()
        .map(point)
        .collect()
}

/// The points as a Markdown table.
pub(crate) fn markdown(points: &[Point]) -> String {
    let mut text = String::from(
        "| documents | text | insert | groups | elect | together | a document | beyond linear | RSS | index a document | dropped | wrong | \
         found of near copies (expected) | question p50, p99 | with comparison p99 |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    let mut before: Option<&Point> = None;
    for point in points {
        let each = |point: &Point| point.seconds() / f64::from(point.documents);
        let beyond = before.map_or_else(String::new, |before| format!("{:.2}", each(point) / each(before)));
        let _ = writeln!(
            text,
            "| {} | {:.1} GB | {:.0} s | {:.0} s | {:.0} s | {:.0} s ({:.0} s CPU) | {:.0} µs | {beyond} | {:.0} MB | {} B | {} | {} | {} of {} ({:.0}) | {:.0}, {:.0} µs | {:.0} µs |",
            point.documents,
            point.bytes as f64 / 1e9,
            point.insert_seconds,
            point.group_seconds,
            point.elect_seconds,
            point.seconds(),
            point.cpu_seconds,
            each(point) * 1e6,
            point.peak_bytes as f64 / 1e6,
            point.index_bytes / u64::from(point.documents),
            point.dropped,
            point.wrong,
            point.found,
            point.near,
            point.expected,
            point.question_p50,
            point.question_p99,
            point.answer_p99,
        );
        before = Some(point);
    }
    text
}

/// Runs `documents` documents through an index in a new folder under `folder`.
pub(crate) async fn run(documents: u32, folder: &Path) -> anyhow::Result<Point> {
    let place = tempfile::tempdir_in(folder).context("cannot make a folder for the index")?;
    let data = DataFolder::new(place.path().join("data"));
    let _lock = data.lock()?;
    let catalogue = Catalogue::open(&CatalogueUrl::Sqlite(data.catalogue()), Migrate::Allowed).await?;
    let banding = Banding::default();
    let index = lsh::open(LshKind::Disk, &data.lsh(), &catalogue, &parameters(banding)).await?;
    let synthetic = Synthetic::new();
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let bytes = insert(&synthetic, index.as_ref(), banding, documents).await?;
    let inserted = Instant::now();
    let groups = groups(index.as_ref(), documents).await?;
    let grouped = Instant::now();
    let mut source = |doc: u32| Ok::<_, anyhow::Error>(synthetic.shingles(doc));
    let election = elect(groups, &ElectionConfig::default(), &mut source)?;
    let elected = Instant::now();
    let (cpu, peak) = (cpu_seconds() - cpu, peak_bytes());
    let judged = judge(&synthetic, &election.outcomes, banding);
    let asked = ask(&synthetic, index.as_ref(), banding, documents).await?;
    let figures = index.figures().await?;
    Ok(Point {
        documents,
        bytes,
        insert_seconds: (inserted - started).as_secs_f64(),
        group_seconds: (grouped - inserted).as_secs_f64(),
        elect_seconds: (elected - grouped).as_secs_f64(),
        cpu_seconds: cpu,
        peak_bytes: peak,
        index_bytes: figures.bytes,
        dropped: election.counts.duplicates,
        wrong: judged.wrong,
        near: judged.near,
        expected: judged.expected,
        found: judged.found,
        question_p50: asked.question(0.5),
        question_p99: asked.question(0.99),
        answer_p99: asked.answer(0.99),
    })
}

fn parameters(banding: Banding) -> LshParameters {
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    LshParameters {
        scheme: SCHEME.to_owned(),
        recipe: "synthetic".to_owned(),
        shingle_tokens: count(ShingleSize::default().get()),
        permutations: count(MAX_PERMUTATIONS),
        bands: count(banding.bands()),
        rows: count(banding.rows()),
    }
}

/// Signs on all cores and inserts, chunk by chunk. Returns the bytes of all texts.
async fn insert(synthetic: &Synthetic, index: &dyn LshIndex, banding: Banding, documents: u32) -> anyhow::Result<u64> {
    let mut bytes = 0;
    for first in (0..documents).step_by(INSERTED_AT_ONCE as usize) {
        let chunk = first..documents.min(first + INSERTED_AT_ONCE);
        let signed: Vec<(usize, SignedDocument)> = chunk
            .into_par_iter()
            .map_init(
                || Signer::new(ShingleSize::default()),
                |signer, document| {
                    let text = synthetic.text(document);
                    let signature = signer.sign(text.as_bytes());
                    let document = SignedDocument {
                        blob: blob(document),
                        keys: signature.iter().flat_map(|signature| banding.keys(signature)).collect(),
                        signature: signature.map_or_else(Vec::new, |signature| signature.to_le_bytes()),
                    };
                    (text.len(), document)
                },
            )
            .collect();
        let (lengths, signed): (Vec<usize>, Vec<SignedDocument>) = signed.into_iter().unzip();
        bytes += lengths.iter().sum::<usize>() as u64;
        index.insert(&signed).await?;
    }
    Ok(bytes)
}

/// A blob id that names the document.
fn blob(document: u32) -> BlobId {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&document.to_be_bytes());
    BlobId::from_bytes(bytes)
}

fn document(blob: BlobId) -> u32 {
    let [a, b, c, d, ..] = *blob.as_bytes();
    u32::from_be_bytes([a, b, c, d])
}

/// The groups. Documents were inserted in order, so that their numbers are their ranks.
async fn groups(index: &dyn LshIndex, documents: u32) -> anyhow::Result<Groups> {
    let mut groups = Groups::new(documents);
    for band in 0..index.parameters().bands {
        index.groups(band, &mut |members: &[u32]| groups.push(members)).await?;
    }
    Ok(groups.complete()?)
}

struct Judged {
    wrong: u64,
    near: u64,
    expected: f64,
    found: u64,
}

/// Looks at a sample of the outcome by brute force.
fn judge(synthetic: &Synthetic, outcomes: &[ElectionOutcome], banding: Banding) -> Judged {
    let threshold = ElectionConfig::default().threshold.get();
    let step = (outcomes.len() / SAMPLE as usize / 5).max(1);
    let mut judged = Judged {
        wrong: 0,
        near: 0,
        expected: 0.0,
        found: 0,
    };
    for (doc, outcome) in (0..).zip(outcomes).step_by(step) {
        if let ElectionOutcome::Duplicate { of, jaccard } = *outcome {
            let exact = synthetic.jaccard(of, doc);
            judged.wrong += u64::from(exact < threshold || exact.to_bits() != jaccard.to_bits());
        }
        let origin = Synthetic::origin(doc);
        if origin == doc {
            continue;
        }
        let jaccard = synthetic.jaccard(origin, doc);
        if jaccard >= threshold {
            judged.near += 1;
            judged.expected += banding.candidate_probability(jaccard);
            judged.found += u64::from(*outcome != ElectionOutcome::Kept);
        }
    }
    judged
}

/// Microseconds of each question, and of each answer.
struct Asked {
    questions: Vec<f64>,
    answers: Vec<f64>,
}

impl Asked {
    fn question(&self, share: f64) -> f64 {
        percentile(&self.questions, share)
    }

    fn answer(&self, share: f64) -> f64 {
        percentile(&self.answers, share)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a place among at most ten thousand"
)]
fn percentile(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len() as f64 * share) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(0.0)
}

async fn ask(synthetic: &Synthetic, index: &dyn LshIndex, banding: Banding, documents: u32) -> anyhow::Result<Asked> {
    let mut signer = Signer::new(ShingleSize::default());
    let limits = NeighborLimits {
        bucket: 1024,
        neighbors: 20,
    };
    let (mut questions, mut answers) = (Vec::new(), Vec::new());
    for doc in (0..documents).step_by((documents / SAMPLE).max(1) as usize) {
        let text = synthetic.text(doc);
        let started = Instant::now();
        let Some(signature) = signer.sign(text.as_bytes()) else {
            continue;
        };
        let keys: Vec<u64> = banding.keys(&signature).collect();
        let found = index.neighbors(&keys, limits).await?.found;
        questions.push(started.elapsed().as_secs_f64() * 1e6);
        let itself = found
            .iter()
            .filter(|near| synthetic.jaccard(doc, document(near.blob)) >= 1.0);
        if itself.count() == 0 {
            return Err(Failure::new(ErrorCode::Internal, format!("document {doc} does not find itself")).into());
        }
        answers.push(started.elapsed().as_secs_f64() * 1e6);
    }
    questions.sort_by(f64::total_cmp);
    answers.sort_by(f64::total_cmp);
    Ok(Asked { questions, answers })
}
