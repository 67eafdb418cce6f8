//! The story of one file.

use codelupe_core::{BlobId, Location, text::display_name};
use sqlx::FromRow;

use crate::error::{Error, ErrorKind};

/// Everything the catalogue knows of one file.
#[derive(Debug, Clone)]
pub struct FileStory {
    /// The repository's name.
    pub repository: String,
    /// Where the repository comes from.
    pub forge: String,
    /// The address it was found at.
    pub origin: String,
    /// Its commit.
    pub commit: Option<String>,
    /// Its revision, which says so when it was read from an archive.
    pub revision: String,
    /// Its license expression.
    pub license: Option<String>,
    /// The class of its license.
    pub license_class: String,
    /// What the license was concluded from, as JSON.
    pub license_evidence: String,
    /// The path, raw bytes.
    pub path: Vec<u8>,
    /// Size in bytes.
    pub bytes: Option<u64>,
    /// The reason of the fetch stage, and its detail.
    pub fetch_reason: Option<String>,
    /// More about the fetch reason.
    pub detail: Option<String>,
    /// The content, when it was looked at.
    pub content: Option<ContentStory>,
    /// The twin it duplicates, when dropped for that.
    pub twin: Option<TwinStory>,
    /// What the latest build decided about it.
    pub build: Option<BuildStory>,
}

/// What the catalogue knows of one content.
#[derive(Debug, Clone)]
pub struct ContentStory {
    /// The blob.
    pub blob: BlobId,
    /// The language.
    pub language: Option<String>,
    /// Why processing dropped it.
    pub reason: Option<String>,
    /// Quality score, 0 to 100.
    pub quality: u8,
    /// Where its full record stands.
    pub location: Location,
}

/// What a build decided about a file.
#[derive(Debug, Clone)]
pub struct BuildStory {
    /// The build's name.
    pub build: String,
    /// The split that the file is in, or the code of the reason why it is in none.
    pub outcome: Result<String, String>,
}

/// The kept file that another one duplicates.
#[derive(Debug, Clone)]
pub struct TwinStory {
    /// `exact_duplicate` or `near_duplicate`.
    pub reason: String,
    /// Exact Jaccard similarity of the two shingle sets, 0 to 1.
    pub jaccard: f64,
    /// The repository of the kept file.
    pub repository: String,
    /// Its path, raw bytes.
    pub path: Vec<u8>,
}

/// A file by its repository's name and its path; both dialects read it.
pub(crate) const STORY: &str = "
    SELECT r.name AS repository, r.forge, r.origin, r.commit_id, r.revision, r.license, r.license_class,
           r.license_evidence, f.path, f.bytes, f.reason AS fetch_reason, f.detail,
           c.blob_id, c.language, c.reason AS content_reason, c.quality, c.segment_id, c.segment_row,
           d.reason AS twin_reason, d.jaccard, tr.name AS twin_repository, tf.path AS twin_path,
           b.name AS build, bf.split, bf.reason AS build_reason
    FROM repositories r
    JOIN files f ON f.repository_id = r.id
    LEFT JOIN contents c ON c.id = f.content_id
    LEFT JOIN duplicates d ON d.file_id = f.id AND EXISTS (SELECT 1 FROM stages WHERE name = 'dedup')
    LEFT JOIN files tf ON tf.id = d.kept_file_id
    LEFT JOIN repositories tr ON tr.id = tf.repository_id
    LEFT JOIN builds b ON b.id = (SELECT max(id) FROM builds WHERE EXISTS (SELECT 1 FROM stages WHERE name = 'build'))
    LEFT JOIN build_files bf ON bf.build_id = b.id AND bf.file_id = f.id
    WHERE r.name = $1 AND f.path = $2";

/// All of it as one row of [`STORY`].
#[derive(Debug, FromRow)]
pub(crate) struct StoryRow {
    repository: String,
    forge: String,
    origin: String,
    commit_id: Option<String>,
    revision: String,
    license: Option<String>,
    license_class: String,
    license_evidence: String,
    path: Vec<u8>,
    bytes: Option<i64>,
    fetch_reason: Option<String>,
    detail: Option<String>,
    blob_id: Option<Vec<u8>>,
    language: Option<String>,
    content_reason: Option<String>,
    quality: Option<i64>,
    segment_id: Option<i64>,
    segment_row: Option<i64>,
    twin_reason: Option<String>,
    jaccard: Option<f64>,
    twin_repository: Option<String>,
    twin_path: Option<Vec<u8>>,
    build: Option<String>,
    split: Option<String>,
    build_reason: Option<String>,
}

impl StoryRow {
    pub(crate) fn story(self) -> Result<FileStory, Error> {
        Ok(FileStory {
            content: self.content()?,
            twin: self.twin(),
            build: self.build(),
            repository: self.repository,
            forge: self.forge,
            origin: self.origin,
            commit: self.commit_id,
            revision: self.revision,
            license: self.license,
            license_class: self.license_class,
            license_evidence: self.license_evidence,
            path: self.path,
            bytes: self.bytes.map(i64::cast_unsigned),
            fetch_reason: self.fetch_reason,
            detail: self.detail,
        })
    }

    fn content(&self) -> Result<Option<ContentStory>, Error> {
        let (Some(blob), Some(quality), Some(segment), Some(row)) =
            (&self.blob_id, self.quality, self.segment_id, self.segment_row)
        else {
            return Ok(None);
        };
        let damaged = || Error::new(ErrorKind::Corrupt, "the catalogue holds a content that cannot be");
        Ok(Some(ContentStory {
            blob: BlobId::try_from(blob.clone()).map_err(|_| damaged())?,
            language: self.language.clone(),
            reason: self.content_reason.clone(),
            quality: u8::try_from(quality).map_err(|_| damaged())?,
            location: Location {
                segment,
                row: u32::try_from(row).map_err(|_| damaged())?,
            },
        }))
    }

    fn twin(&self) -> Option<TwinStory> {
        Some(TwinStory {
            reason: self.twin_reason.clone()?,
            jaccard: self.jaccard?,
            repository: self.twin_repository.clone()?,
            path: self.twin_path.clone()?,
        })
    }

    fn build(&self) -> Option<BuildStory> {
        let outcome = self.split.clone().map(Ok).or(self.build_reason.clone().map(Err))?;
        Some(BuildStory {
            build: self.build.clone()?,
            outcome,
        })
    }
}

/// The ways to take `REPO/PATH` apart, the longest name of a repository first.
pub(crate) fn split_name(name: &[u8]) -> impl Iterator<Item = (String, &[u8])> {
    let slashes = name.iter().enumerate().rev().filter(|(_, byte)| **byte == b'/');
    slashes.map(|(at, _)| (String::from_utf8_lossy(&name[..at]).into_owned(), &name[at + 1..]))
}

/// Nothing with this name is known.
pub(crate) fn unknown_file(name: &[u8], repository_found: bool) -> Error {
    let what = if repository_found {
        "file"
    } else {
        "repository with a file"
    };
    let context = format!("there is no {what} `{}` in the catalogue", display_name(name));
    Error::new(ErrorKind::NotFound, context)
}
