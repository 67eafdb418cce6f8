//! The story of one file: what was decided about it, and why.

use codelupe_catalogue::{Catalogue, ContentStory, FileStory};
use codelupe_core::{ARCHIVE_REVISION, BlobId, Reason, text::display_name};
use codelupe_corpus::{ContentRecord, DataFolder, SegmentReader};
use serde::Serialize;
use serde_json::Value;

use crate::error::Error;
use crate::json::parsed;

/// What is said of a file that a forge packed up.
const UNFAITHFUL: &str = "read from an archive of its forge; attributes of the repository may have changed it";

/// Everything that is known of one file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// Its repository.
    pub repository: String,
    /// Its path; bytes that are not UTF-8 are shown as text can.
    pub path: String,
    /// The final state: dropped, or how far it came.
    pub verdict: &'static str,
    /// The code of the first reason that stopped it.
    pub reason: Option<String>,
    /// What that code says; none for one of another version of the program.
    pub reason_text: Option<&'static str>,
    /// More about the reason.
    pub detail: Option<String>,
    /// The kept file that it duplicates, if it was dropped for that.
    pub kept_twin: Option<KeptTwin>,
    /// What processing thinks it is a near-duplicate of, if deduplication has not run since.
    pub candidate: Option<LikelyTwin>,
    /// What the latest build decided about it.
    pub build: Option<InBuild>,
    /// Where its repository comes from.
    pub forge: String,
    /// The address it was found at.
    pub origin: String,
    /// The repository's commit.
    pub commit: Option<String>,
    /// Why its bytes may differ from those in the repository, if they may.
    pub unfaithful: Option<&'static str>,
    /// The license of its repository, an SPDX expression.
    pub license: Option<String>,
    /// The class of that license.
    pub license_class: String,
    /// What the license was concluded from.
    pub license_evidence: Value,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// Its blob, when it was looked at.
    pub blob: Option<String>,
    /// The same as a persistent identifier of Software Heritage.
    pub swhid: Option<String>,
    /// Its language.
    pub language: Option<String>,
    /// Its quality score, 0 to 100.
    pub quality: Option<u8>,
    /// What the score was made of.
    pub signals: Option<Value>,
    /// Secrets and personal data that were replaced.
    pub redactions: Option<Value>,
}

/// The kept file that another one duplicates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KeptTwin {
    /// `REPO/PATH`.
    pub file: String,
    /// Exact Jaccard similarity of the two.
    pub jaccard: f64,
}

/// A content that shares bands with another one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LikelyTwin {
    /// `REPO/PATH` of a file that holds it, if one still does.
    pub file: Option<String>,
    /// Its blob.
    pub blob: String,
    /// How many bands the two share.
    pub shared_bands: u32,
}

/// What a build decided about a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InBuild {
    /// The build.
    pub name: String,
    /// The split that the file is in.
    pub split: Option<String>,
    /// The code of the reason why it is in none.
    pub reason: Option<String>,
}

/// Explains the file that `name`, `REPO/PATH` as raw bytes, names. `recipe` is that of the contents.
///
/// # Errors
/// `Unknown` when the catalogue has no such file; `Store` when catalogue or segments cannot be read.
pub async fn explain(
    catalogue: &Catalogue,
    folder: &DataFolder,
    recipe: &str,
    name: &[u8],
) -> Result<Explanation, Error> {
    let story = catalogue.file_story(name).await?;
    let (mut record, mut candidate) = (None, None);
    if let Some(content) = &story.content {
        record = Some(self::record(catalogue, folder, content).await?);
        candidate = likely_twin(catalogue, content.blob, recipe).await?;
    }
    Ok(explanation(story, record.as_ref(), candidate))
}

/// The whole record of a content. Reading it blocks, which others on the runtime's thread do not wait for.
async fn record(catalogue: &Catalogue, folder: &DataFolder, content: &ContentStory) -> Result<ContentRecord, Error> {
    let mut reader = SegmentReader::new(folder, catalogue.segments().await?);
    let location = content.location;
    let read = tokio::task::spawn_blocking(move || reader.record(location));
    Ok(read.await.map_err(Error::defect)??)
}

async fn likely_twin(catalogue: &Catalogue, blob: BlobId, recipe: &str) -> Result<Option<LikelyTwin>, Error> {
    let Some(row) = catalogue.candidate_of(blob).await? else {
        return Ok(None);
    };
    let holders = catalogue.holders(&[row.candidate], recipe).await?;
    Ok(Some(LikelyTwin {
        file: holders.first().map(|file| full_name(&file.repository, &file.path)),
        blob: row.candidate.to_string(),
        shared_bands: row.shared,
    }))
}

fn explanation(story: FileStory, record: Option<&ContentRecord>, candidate: Option<LikelyTwin>) -> Explanation {
    let (verdict, reason) = verdict(&story);
    let content = story.content.as_ref();
    Explanation {
        path: display_name(&story.path),
        verdict,
        reason_text: reason.as_deref().and_then(reason_text),
        reason,
        kept_twin: story.twin.as_ref().map(|twin| KeptTwin {
            file: full_name(&twin.repository, &twin.path),
            jaccard: twin.jaccard,
        }),
        candidate,
        build: story.build.as_ref().map(|decided| InBuild {
            name: decided.build.clone(),
            split: decided.outcome.clone().ok(),
            reason: decided.outcome.clone().err(),
        }),
        unfaithful: story.revision.starts_with(ARCHIVE_REVISION).then_some(UNFAITHFUL),
        license_evidence: parsed(&story.license_evidence),
        bytes: story.bytes,
        blob: content.map(|content| content.blob.to_string()),
        swhid: content.map(|content| content.blob.swhid().to_string()),
        language: content.and_then(|content| content.language.clone()),
        quality: content.map(|content| content.quality),
        signals: record.map(|record| parsed(&record.signals)),
        redactions: record.map(|record| parsed(&record.redactions)),
        repository: story.repository,
        detail: story.detail,
        forge: story.forge,
        origin: story.origin,
        commit: story.commit,
        license: story.license,
        license_class: story.license_class,
    }
}

fn reason_text(code: &str) -> Option<&'static str> {
    code.parse().ok().map(Reason::describe)
}

fn full_name(repository: &str, path: &[u8]) -> String {
    format!("{repository}/{}", display_name(path))
}

/// The final state of a file: the first reason that stopped it, or how far it came.
fn verdict(story: &FileStory) -> (&'static str, Option<String>) {
    let content = story.content.as_ref().and_then(|content| content.reason.clone());
    let twin = story.twin.as_ref().map(|twin| twin.reason.clone());
    let build = story
        .build
        .as_ref()
        .and_then(|story| story.outcome.as_ref().err().cloned());
    match story.fetch_reason.clone().or(content).or(twin).or(build) {
        Some(reason) => ("dropped", Some(reason)),
        None if story.build.is_some() => ("in the latest build", None),
        None => ("kept, not in a build yet", None),
    }
}
