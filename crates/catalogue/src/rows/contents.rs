//! Contents and files: one row for each unique content, and where it stands.

use std::collections::{HashMap, HashSet};

use async_trait::async_trait;
use codelupe_core::{BlobId, Language, LicenseClass, Reason, Repository, SegmentInfo, SpdxExpression, Verdict};

use super::{FileStory, jobs::Fence};
use crate::error::Error;

/// What identifies a content: its blob, and the file name it was seen under, since that decides the language.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContentKey {
    /// The blob.
    pub blob: BlobId,
    /// The last segment of the path; bytes that are not UTF-8 are replaced.
    pub file_name: String,
}

/// What one transaction links.
#[derive(Debug, Default)]
pub struct Batch {
    /// The segment that holds the contents; it is published already.
    pub segment: Option<SegmentInfo>,
    /// Contents in that segment.
    pub contents: Vec<ContentRow>,
    /// Repositories whose last content is in this or an earlier batch.
    pub repositories: Vec<RepositoryRow>,
}

/// One processed content.
#[derive(Debug, Clone)]
pub struct ContentRow {
    /// Which content.
    pub key: ContentKey,
    /// Size of the blob in bytes.
    pub bytes: u64,
    /// Its language, where one could be told.
    pub language: Option<Language>,
    /// Kept or dropped by processing.
    pub verdict: Verdict,
    /// Quality score, 0 to 100.
    pub quality: u8,
    /// Length in bytes of the kept text; 0 when dropped.
    pub text_bytes: u64,
    /// How many secrets and personal data were replaced.
    pub redactions: u32,
    /// The row in the batch's segment.
    pub segment_row: u32,
}

/// One repository, whole.
#[derive(Debug, Clone)]
pub struct RepositoryRow {
    /// What discovery said of it.
    pub repository: Repository,
    /// The folder it was found in, for telling it from another of the same name; never exported.
    pub location: String,
    /// Its license, where one was found.
    pub license: Option<SpdxExpression>,
    /// The class of its license.
    pub license_class: LicenseClass,
    /// What the license was concluded from, as JSON.
    pub license_evidence: String,
    /// The error that ended it, as stable code and message; such a repository is tried again by the next run, and what is
    /// known of it from an earlier one stays.
    pub error: Option<(String, String)>,
    /// Its files, each exactly once.
    pub files: Vec<FileRow>,
}

/// One path of a repository.
#[derive(Debug, Clone)]
pub struct FileRow {
    /// The path, raw bytes, `/` between segments.
    pub path: Vec<u8>,
    /// Size in bytes, where known.
    pub bytes: Option<u64>,
    /// What came of it.
    pub state: FileState,
}

/// What came of a file before contents were compared.
#[derive(Debug, Clone)]
pub enum FileState {
    /// Dropped without looking at its content; with a detail such as the operating system's message.
    Dropped(Reason, Option<String>),
    /// Its content was looked at, here or under another path.
    Content(ContentKey),
}

impl RepositoryRow {
    /// Whether linking it, where nothing was known of it, changes the files of the catalogue.
    pub(crate) fn changes_files(&self) -> bool {
        self.error.is_none() || !self.files.is_empty()
    }

    /// The place of its license class in `LicenseClass::ALL`: SQL orders survivors by it.
    pub(crate) fn license_rank(&self) -> i64 {
        let place = LicenseClass::ALL.iter().position(|class| *class == self.license_class);
        place.and_then(|place| i64::try_from(place).ok()).unwrap_or(i64::MAX)
    }
}

/// The contents that files were found to hold.
#[async_trait]
pub trait Contents {
    /// Links a batch in one transaction. A repository that was there, under its name or in its folder, is replaced with all
    /// its files; one that failed only gets its error noted. Doing it twice is doing it once.
    ///
    /// `recipe` names the rules the contents were processed by. With a `fence`, only the holder of that lease may do it.
    ///
    /// # Errors
    /// `LeaseLost`, `DiskFull`, `Permission`, `Conflict` or `Database`; nothing of the batch is linked then.
    async fn commit(&self, batch: &Batch, recipe: &str, fence: Option<Fence>) -> Result<(), Error>;

    /// Those of `keys` whose content was processed by `recipe` already.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn known_contents(&self, keys: &[ContentKey], recipe: &str) -> Result<HashSet<ContentKey>, Error>;

    /// Forgets the contents of other recipes that no file links, and the segments that hold nothing else. Their
    /// files are removed as orphans by the next writer.
    ///
    /// # Errors
    /// `DiskFull`, `Permission`, `Conflict` or `Database`; nothing is forgotten then.
    async fn forget_unused_contents(&self, recipe: &str) -> Result<(), Error>;

    /// The linked segments by id.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn segments(&self) -> Result<HashMap<i64, String>, Error>;

    /// The story of the file that `name` (`REPO/PATH`, raw bytes) names. Repository names may hold `/`; the longest that
    /// fits wins.
    ///
    /// # Errors
    /// `NotFound` when no repository or no file of that name exists; `Database` otherwise.
    async fn file_story(&self, name: &[u8]) -> Result<FileStory, Error>;

    /// The name, `REPO/PATH`, of a file with a story: a near-duplicate, or else any file that was looked at. Only of names
    /// that can be typed on any terminal.
    ///
    /// # Errors
    /// `Database` and the connection's own errors.
    async fn example_file(&self) -> Result<Option<String>, Error>;
}

/// A size as both databases hold it: a damaged object database may claim any.
pub(crate) fn storable_size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
