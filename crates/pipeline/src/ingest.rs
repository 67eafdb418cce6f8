//! The first stage: finds repositories, reads them, processes each content once, and stores the verdicts.
//!
//! ```text
//! fetchers (some threads) ──▶ reader (one thread) ──chunks──▶ processor (all cores) ──chunks──▶ writer (one thread)
//! ```
//!
//! The channels are bounded and a chunk is about 8 MB of contents, so memory does not grow with a repository. Order is
//! kept from end to end: when a repository is linked, all its contents are. A content seen before, in the catalogue or on
//! its way, is neither read (git) nor processed (folders) again.

mod candidates;
mod opening;
mod processor;
mod reader;
mod writer;

use std::collections::HashSet;
use std::ops::AddAssign;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError};
use std::thread;

use codelupe_catalogue::{ContentKey, RepositoryRow};
use codelupe_core::{BlobId, Verdict};
use codelupe_forge::{Entry, Found, Source, discover};
use codelupe_process::Processed;
use codelupe_process::{is_license_file, is_manifest};
use serde::{Deserialize, Serialize};

use crate::context::Context;
use crate::crawl::find_hosted;
use crate::error::{Error, ErrorKind};
use codelupe_worker::Step;

/// Chunks that wait in one channel.
const WAITING_CHUNKS: usize = 2;

/// What ingesting did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ingested {
    /// Repositories found.
    pub repositories: u64,
    /// Of these, unchanged since they were last processed, and skipped.
    pub unchanged: u64,
    /// Of these, not readable.
    pub failed: u64,
    /// Bytes that were processed.
    pub bytes: u64,
}

impl AddAssign for Ingested {
    fn add_assign(&mut self, other: Self) {
        self.repositories += other.repositories;
        self.unchanged += other.unchanged;
        self.failed += other.failed;
        self.bytes += other.bytes;
    }
}

/// Finds the repositories of the sources.
///
/// # Errors
/// `Source` when one cannot be read, or two hold repositories of the same name.
pub fn find(context: &Context, sources: &[Source]) -> Result<Vec<Found>, Error> {
    context.progress.begin(Step::Discover, 0);
    let mut found: Vec<Found> = Vec::new();
    for source in sources {
        context.progress.set_current(&source.to_string());
        found.extend(match source {
            Source::Hosted(query) => find_hosted(context, query)?,
            source => discover(source)?,
        });
    }
    found.sort_by_cached_key(|found| (found.name().clone(), found.place()));
    let mut places = HashSet::new();
    found.retain(|found| places.insert(found.place()) && !is_data_folder(context, found));
    if let Some(pair) = found.windows(2).find(|pair| pair[0].name() == pair[1].name()) {
        let context = format!(
            "two repositories are called `{}`: {} and {}; ingest them under differently named parent folders",
            pair[0].name(),
            pair[0].place(),
            pair[1].place()
        );
        return Err(Error::new(ErrorKind::Source, context));
    }
    refuse_namesakes(context, &found)?;
    Ok(found)
}

/// One repository must not take the place of another that only has the same name. One whose folder is gone has moved.
fn refuse_namesakes(context: &Context, found: &[Found]) -> Result<(), Error> {
    let known = context.wait(context.catalogue.repository_locations())?;
    for found in found {
        let Some(other) = known.get(found.name().as_str()) else {
            continue;
        };
        if *other != found.place() && Path::new(other).exists() {
            let context = format!(
                "`{}` is the repository in {other}, and there is another of that name in {}; use another --data folder, or \
                 ingest it under a differently named parent folder",
                found.name(),
                found.place()
            );
            return Err(Error::new(ErrorKind::Source, context));
        }
    }
    Ok(())
}

fn is_data_folder(context: &Context, found: &Found) -> bool {
    let Found::Local(located) = found else { return false };
    let root = context.folder.root().canonicalize();
    root.is_ok_and(|root| located.path.starts_with(root))
}

/// Reads, processes and stores repositories.
///
/// # Errors
/// `Canceled` after a stop, with all finished work stored; `Store` when the data folder fails. A repository that cannot
/// be read is no error: it is recorded as failed and the others go on.
pub fn ingest(context: &Context, repositories: Vec<Found>) -> Result<Ingested, Error> {
    let (processor, detector) = (&context.tools.processor, &context.tools.detector);
    let repositories = leave_out_opted_out(context, repositories)?;
    let recipe = context.config.recipe();
    let names: Vec<&str> = repositories.iter().map(|found| found.name().as_str()).collect();
    let finished = context.wait(context.catalogue.finished_repositories(&recipe, &names))?;
    let count = repositories.len() as u64;
    context.progress.begin(Step::Process, count);
    let progress = &context.progress;
    let before = (
        progress.failed.load(Ordering::Relaxed),
        progress.bytes.load(Ordering::Relaxed),
    );
    let on_the_way = OnTheWay::default();
    let (to_processor, from_reader) = sync_channel(WAITING_CHUNKS);
    let (to_writer, from_processor) = sync_channel(WAITING_CHUNKS);
    let (read, written) = thread::scope(|scope| {
        let reader = scope.spawn(|| {
            reader::Reader::new(context, processor, &recipe, &finished, &on_the_way, to_processor).run(repositories)
        });
        let processing = scope.spawn(|| processor::run(context, processor, detector, from_reader, to_writer));
        let written = writer::run(context, &recipe, &on_the_way, from_processor);
        let processed = processing.join().unwrap_or_else(|_| Err(panicked("processing")));
        let read = reader.join().unwrap_or_else(|_| Err(panicked("reading")));
        (read, written.and(processed))
    });
    // When the writer fails the others only see a closed channel: its error is the cause.
    written?;
    let unchanged = read?;
    context.progress.check()?;
    Ok(Ingested {
        repositories: count,
        unchanged,
        failed: progress.failed.load(Ordering::Relaxed) - before.0,
        bytes: progress.bytes.load(Ordering::Relaxed) - before.1,
    })
}

/// Without the repositories whose owners asked to leave them out, however they were named.
fn leave_out_opted_out(context: &Context, mut repositories: Vec<Found>) -> Result<Vec<Found>, Error> {
    if !repositories.iter().any(|found| matches!(found, Found::Remote(_))) {
        return Ok(repositories);
    }
    let opted_out = context.wait(context.catalogue.opted_out())?;
    repositories.retain(|found| {
        let name = found.name().as_str();
        let stays = !matches!(found, Found::Remote(_)) || !opted_out.contains(&name.to_lowercase());
        if !stays {
            tracing::warn!(repository = name, "not fetched: its owner asked to leave it out");
        }
        stays
    });
    Ok(repositories)
}

fn panicked(what: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("{what} stopped by a defect"))
}

/// Reading ends early: a stop was asked for, or the writer has gone, whose error says why.
enum Halt {
    Stop,
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<codelupe_catalogue::Error> for Halt {
    fn from(error: codelupe_catalogue::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// A stretch of work: contents to process, and the repositories whose last content is in it or came before.
#[derive(Default)]
struct Chunk {
    blobs: Vec<Blob>,
    repositories: Vec<ReadRepository>,
    bytes: usize,
}

/// A content as read.
struct Blob {
    key: ContentKey,
    bytes: Vec<u8>,
}

/// A repository as read: its row is complete but for the license.
struct ReadRepository {
    row: RepositoryRow,
    license_texts: Vec<(String, String)>,
}

/// A chunk after processing.
struct ProcessedChunk {
    contents: Vec<ProcessedContent>,
    repositories: Vec<RepositoryRow>,
}

/// A content after processing.
struct ProcessedContent {
    key: ContentKey,
    bytes: u64,
    processed: Processed,
    signature: Option<Vec<u8>>,
}

/// The contents that were handed on and are not in the catalogue yet. The reader adds, the writer removes after linking. A
/// content that is linked between the reader's look at the catalogue and its look here is processed once more; the outcome
/// is the same.
#[derive(Default)]
struct OnTheWay(Mutex<HashSet<ContentKey>>);

impl OnTheWay {
    /// Adds a content; false when it was there.
    fn add(&self, key: &ContentKey) -> bool {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key.clone())
    }

    fn contains(&self, key: &ContentKey) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(key)
    }

    fn remove<'a>(&self, keys: impl Iterator<Item = &'a ContentKey>) {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        keys.for_each(|key| {
            set.remove(key);
        });
    }
}

/// Whether a file may tell the license of its repository.
fn tells_license(entry: &Entry) -> bool {
    entry.verdict == Verdict::Kept && (is_license_file(&entry.path) || is_manifest(&entry.path))
}

/// The key of a blob under a path.
fn content_key(blob: BlobId, path: &[u8]) -> ContentKey {
    let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    ContentKey {
        blob,
        file_name: String::from_utf8_lossy(name).into_owned(),
    }
}
