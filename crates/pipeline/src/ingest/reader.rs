//! Reading repositories: decides by path, skips what is known, hands contents on in chunks.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc::SyncSender;

use codelupe_catalogue::{ContentKey, FileRow, FileState, RepositoryRow};
use codelupe_core::{
    BlobId, LicenseClass, Repository, Verdict, error::Class, error::ErrorContext, error::ErrorOccurrence,
    text::display_name,
};
use codelupe_forge::{ErrorKind, Found, Snapshot};
use codelupe_process::Processor;

use super::opening::{Known, LOOKUP_FILES, Opened, Opening, open_each};
use super::{Blob, Chunk, Halt, OnTheWay, ReadRepository, content_key, tells_license};
use crate::context::Context;
use crate::error::Error;
use codelupe_worker::{Progress, raise};

/// A chunk is handed on when its contents reach this many bytes, or its repositories this many files.
const CHUNK_BYTES: usize = 8 << 20;

/// License texts and manifests read from one repository.
const MAX_LICENSE_TEXTS: usize = 32;

/// Bytes looked at of each of them: the longest SPDX text has 50 kB.
const MAX_LICENSE_BYTES: usize = 256 << 10;

pub(super) struct Reader<'a> {
    context: &'a Context,
    processor: &'a Processor,
    recipe: &'a str,
    finished: &'a HashMap<String, String>,
    on_the_way: &'a OnTheWay,
    out: SyncSender<Chunk>,
    chunk: Chunk,
    buffer: Vec<u8>,
    unsettled: Vec<Blob>,
    unsettled_bytes: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(
        context: &'a Context,
        processor: &'a Processor,
        recipe: &'a str,
        finished: &'a HashMap<String, String>,
        on_the_way: &'a OnTheWay,
        out: SyncSender<Chunk>,
    ) -> Self {
        Self {
            context,
            processor,
            recipe,
            finished,
            on_the_way,
            out,
            chunk: Chunk::default(),
            buffer: Vec::new(),
            unsettled: Vec::new(),
            unsettled_bytes: 0,
        }
    }

    /// Reads all repositories; returns how many were unchanged.
    pub(super) fn run(mut self, repositories: Vec<Found>) -> Result<u64, Error> {
        match self.read_all(repositories) {
            Ok(unchanged) => Ok(unchanged),
            Err(Halt::Stop) => Ok(0),
            Err(Halt::Failed(error)) => Err(error),
        }
    }

    fn read_all(&mut self, repositories: Vec<Found>) -> Result<u64, Halt> {
        let mut unchanged = 0;
        let known = Known {
            recipe: self.recipe,
            finished: self.finished,
        };
        self.stop_if_asked()?;
        open_each(self.context, repositories, known, |opening| {
            unchanged += self.take(opening)?;
            self.stop_if_asked()
        })?;
        self.send()?;
        Ok(unchanged)
    }

    /// Reads a repository; returns 1 when it is unchanged, else 0.
    fn take(&mut self, (found, opened): Opening) -> Result<u64, Halt> {
        self.progress().set_current(found.name().as_str());
        match opened {
            Ok(Opened::Unchanged) => {
                raise(&self.progress().done, 1);
                return Ok(1);
            }
            Ok(Opened::Snapshot(snapshot)) => self.read_repository(&found, snapshot)?,
            // Every other repository would fail as this one does, and be left out for nothing.
            Err(error) if error.kind() == ErrorKind::Machine => return Err(Error::from(error).into()),
            Err(error) => self.record_failure(&found, &error),
        }
        if self.chunk.bytes >= CHUNK_BYTES {
            self.send()?;
        }
        Ok(0)
    }

    fn read_repository(&mut self, found: &Found, mut snapshot: Box<dyn Snapshot>) -> Result<(), Halt> {
        let entries = snapshot.entries().len();
        let mut files = Vec::with_capacity(entries);
        for start in (0..entries).step_by(LOOKUP_FILES) {
            let stretch = start..entries.min(start + LOOKUP_FILES);
            self.read_stretch(snapshot.as_mut(), stretch, &mut files)?;
        }
        let license_texts = self.read_license_texts(snapshot.as_mut());
        self.chunk.bytes += files.len() * size_of::<FileRow>();
        self.chunk.repositories.push(ReadRepository {
            row: row(found, snapshot.repository().clone(), files, None),
            license_texts,
        });
        Ok(())
    }

    /// Reads some entries. The ids known beforehand are looked up before anything is read, the others after.
    fn read_stretch(
        &mut self,
        snapshot: &mut dyn Snapshot,
        stretch: std::ops::Range<usize>,
        files: &mut Vec<FileRow>,
    ) -> Result<(), Halt> {
        let listed: Vec<ContentKey> = stretch
            .clone()
            .filter_map(|index| {
                let entry = &snapshot.entries()[index];
                entry.blob.map(|blob| content_key(blob, &entry.path))
            })
            .collect();
        let known = self.known(&listed)?;
        for index in stretch {
            self.stop_if_asked()?;
            let file = self.read_entry(snapshot, index, &known)?;
            files.push(file);
        }
        self.settle()
    }

    fn read_entry(
        &mut self,
        snapshot: &mut dyn Snapshot,
        index: usize,
        known: &HashSet<ContentKey>,
    ) -> Result<FileRow, Halt> {
        let entry = &snapshot.entries()[index];
        let (path, listed, size) = (entry.path.to_vec(), entry.blob, entry.size);
        let verdict = match entry.verdict {
            Verdict::Kept => self.processor.path_verdict(&path),
            dropped @ Verdict::Dropped(_) => dropped,
        };
        raise(&self.progress().files, 1);
        if let Verdict::Dropped(reason) = verdict {
            raise(&self.progress().dropped, 1);
            return Ok(FileRow {
                path,
                bytes: size,
                state: FileState::Dropped(reason, None),
            });
        }
        if let Some(key) = listed.map(|blob| content_key(blob, &path))
            && (known.contains(&key) || self.on_the_way.contains(&key))
        {
            raise(&self.progress().known, 1);
            return Ok(FileRow {
                path,
                bytes: size,
                state: FileState::Content(key),
            });
        }
        if let Err(failure) = snapshot.read(index, &mut self.buffer) {
            raise(&self.progress().dropped, 1);
            let state = FileState::Dropped(failure.reason, Some(failure.detail));
            return Ok(FileRow {
                path,
                bytes: size,
                state,
            });
        }
        // A folder lists no ids: there the content has to be read before it can be known.
        let key = content_key(listed.unwrap_or_else(|| BlobId::of(&self.buffer)), &path);
        let bytes = Some(self.buffer.len() as u64);
        self.keep(
            Blob {
                key: key.clone(),
                bytes: self.buffer.clone(),
            },
            listed.is_some(),
        )?;
        Ok(FileRow {
            path,
            bytes,
            state: FileState::Content(key),
        })
    }

    /// Takes a content up; one that was not looked up before it was read waits for the next [`Self::settle`].
    fn keep(&mut self, blob: Blob, looked_up: bool) -> Result<(), Halt> {
        if !self.on_the_way.add(&blob.key) {
            raise(&self.progress().known, 1);
            return Ok(());
        }
        if looked_up {
            return self.hand_on(blob);
        }
        self.unsettled_bytes += blob.bytes.len();
        self.unsettled.push(blob);
        if self.unsettled_bytes >= CHUNK_BYTES {
            self.settle()
        } else {
            Ok(())
        }
    }

    /// Looks the waiting contents up, and hands on those that are new.
    fn settle(&mut self) -> Result<(), Halt> {
        self.unsettled_bytes = 0;
        let blobs = std::mem::take(&mut self.unsettled);
        let keys: Vec<ContentKey> = blobs.iter().map(|blob| blob.key.clone()).collect();
        let known = self.known(&keys)?;
        self.on_the_way.remove(known.iter());
        raise(&self.progress().known, known.len() as u64);
        blobs
            .into_iter()
            .filter(|blob| !known.contains(&blob.key))
            .try_for_each(|blob| self.hand_on(blob))
    }

    fn hand_on(&mut self, blob: Blob) -> Result<(), Halt> {
        self.chunk.bytes += blob.bytes.len();
        self.chunk.blobs.push(blob);
        if self.chunk.bytes >= CHUNK_BYTES {
            self.send()
        } else {
            Ok(())
        }
    }

    fn known(&self, keys: &[ContentKey]) -> Result<HashSet<ContentKey>, Halt> {
        if keys.is_empty() {
            return Ok(HashSet::new());
        }
        Ok(self
            .context
            .wait(self.context.catalogue.known_contents(keys, self.recipe))?)
    }

    fn read_license_texts(&mut self, snapshot: &mut dyn Snapshot) -> Vec<(String, String)> {
        let wanted: Vec<usize> = (0..snapshot.entries().len())
            .filter(|index| tells_license(&snapshot.entries()[*index]))
            .take(MAX_LICENSE_TEXTS)
            .collect();
        let mut texts = Vec::new();
        for index in wanted {
            let path = display_name(&snapshot.entries()[index].path);
            if snapshot.read(index, &mut self.buffer).is_ok() {
                let text = &self.buffer[..self.buffer.len().min(MAX_LICENSE_BYTES)];
                texts.push((path, String::from_utf8_lossy(text).into_owned()));
            }
        }
        texts
    }

    /// Notes that a repository cannot be read. What was stored of one elsewhere stays when the failure may pass, or when it
    /// is only gone from its forge.
    fn record_failure(&mut self, found: &Found, error: &codelupe_forge::Error) {
        let place = ErrorContext::new().with_repository(found.name().as_str());
        let occurrence = ErrorOccurrence::from_chain("forge", error.code(), error, place);
        tracing::warn!(repository = %found.name(), error = occurrence.message, "repository skipped");
        raise(&self.progress().failed, 1);
        let failure = Some((occurrence.code.to_string(), occurrence.message.clone()));
        self.context.errors.report(occurrence);
        let passes = error.code().class() == Class::Transient || error.kind() == ErrorKind::Gone;
        if passes && matches!(found, Found::Remote(_)) && self.finished.contains_key(found.name().as_str()) {
            raise(&self.progress().done, 1);
            return;
        }
        let row = row(found, unread(found), Vec::new(), failure);
        self.chunk.repositories.push(ReadRepository {
            row,
            license_texts: Vec::new(),
        });
    }

    fn send(&mut self) -> Result<(), Halt> {
        if self.chunk.blobs.is_empty() && self.chunk.repositories.is_empty() {
            return Ok(());
        }
        self.out.send(std::mem::take(&mut self.chunk)).map_err(|_| Halt::Stop)
    }

    fn stop_if_asked(&self) -> Result<(), Halt> {
        if self.progress().is_stopping() {
            Err(Halt::Stop)
        } else {
            Ok(())
        }
    }

    fn progress(&self) -> &'a Progress {
        &self.context.progress
    }
}

/// What is known of a repository that was not read.
fn unread(found: &Found) -> Repository {
    match found {
        Found::Remote(remote) => remote.describe(String::new()),
        Found::Local(located) => Repository {
            name: located.name.clone(),
            forge: located.kind.to_string(),
            origin: found.place(),
            family: located.name.to_string(),
            commit: None,
            revision: String::new(),
            stars: None,
            fork: false,
            committed_at: None,
        },
    }
}

fn row(found: &Found, repository: Repository, files: Vec<FileRow>, error: Option<(String, String)>) -> RepositoryRow {
    RepositoryRow {
        repository,
        location: found.place(),
        license: None,
        license_class: LicenseClass::None,
        license_evidence: String::from("[]"),
        error,
        files,
    }
}
