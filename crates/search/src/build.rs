//! Writes an index.

use std::path::Path;
use std::thread::available_parallelism;

use tantivy::indexer::NoMergePolicy;
use tantivy::{Index, IndexWriter, TantivyDocument};

use crate::document::{FileDocument, Kind, Record, RepositoryDocument, bounded};
use crate::error::{Error, ErrorKind};
use crate::generation::NewGeneration;
use crate::schema::{Fields, register_tokenizer, schema};

/// The least memory for one indexing thread, in bytes; the engine refuses under 15 MB.
const MIN_THREAD_BYTES: usize = 32 << 20;

/// The most memory for one indexing thread, in bytes: the engine's arena has 32-bit addresses.
const MAX_THREAD_BYTES: usize = 3 << 30;

/// Documents are written out after this many bytes of text. The engine lets 10,000 documents wait in memory whatever their
/// size; writing out waits for them all.
const WAITING_BYTES: usize = 32 << 20;

/// The engine's own limit for the threads of one writer.
const MAX_THREADS: usize = 8;

/// Starts a new index in `folder`, beside the one that is there.
///
/// `memory_bytes` is what documents may take before they are written out; under 32 MiB counts as that. The old index
/// stays in use until [`IndexBuilder::finish`]; a build that was dropped or killed leaves files that the next build
/// removes.
///
/// # Errors
/// [`ErrorKind::Locked`] while another build runs in `folder`; otherwise those of writing.
pub fn build(folder: &Path, memory_bytes: usize) -> Result<IndexBuilder, Error> {
    let generation = NewGeneration::create(folder)?;
    let path = generation.path();
    let failed = |source| Error::engine("create", &path, source);
    let (schema, fields) = schema();
    let index = Index::create_in_dir(&path, schema).map_err(failed)?;
    register_tokenizer(&index);
    let threads = available_parallelism()
        .map_or(1, usize::from)
        .min(memory_bytes / MIN_THREAD_BYTES)
        .clamp(1, MAX_THREADS);
    let memory = memory_bytes.clamp(MIN_THREAD_BYTES, threads * MAX_THREAD_BYTES);
    let writer = index
        .writer_with_num_threads::<TantivyDocument>(threads, memory)
        .map_err(failed)?;
    // Merging maps the merged segments into memory whole: on 1 GB of text the process grew to 1.2 GB, without it stays
    // under 400 MB. Scores do not depend on it: they come from counts over all segments.
    writer.set_merge_policy(Box::new(NoMergePolicy));
    Ok(IndexBuilder {
        generation,
        writer,
        fields,
        summary: Summary::default(),
        waiting: 0,
    })
}

/// An index that is being written.
pub struct IndexBuilder {
    generation: NewGeneration,
    writer: IndexWriter,
    fields: Fields,
    summary: Summary,
    waiting: usize,
}

/// What an index holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Summary {
    /// How many files.
    pub files: u64,
    /// How many repositories.
    pub repositories: u64,
}

impl IndexBuilder {
    /// Adds one file. Files of one index differ in repository or path; this is not checked.
    ///
    /// # Errors
    /// Those of writing, also of files that were added before.
    pub fn add_file(&mut self, file: &FileDocument<'_>) -> Result<(), Error> {
        let mut document = self.document(&Record::from(file), bounded(file.text))?;
        let name = file.path.rsplit('/').next().unwrap_or_default();
        document.add_text(self.fields.path_words, file.path);
        document.add_text(self.fields.name_words, name);
        document.add_text(self.fields.language, file.language.to_lowercase());
        self.add(document, file.text.len())?;
        self.summary.files += 1;
        Ok(())
    }

    /// Adds one repository. Names are unique in one index; this is not checked.
    ///
    /// # Errors
    /// Those of writing, also of documents that were added before.
    pub fn add_repository(&mut self, repository: &RepositoryDocument<'_>) -> Result<(), Error> {
        let mut document = self.document(&Record::from(repository), bounded(repository.readme))?;
        document.add_text(self.fields.name_words, repository.name);
        for language in repository.languages {
            document.add_text(self.fields.language, language.to_lowercase());
        }
        self.add(document, repository.readme.len())?;
        self.summary.repositories += 1;
        Ok(())
    }

    /// Writes everything out and puts the new index in the place of the old, in one step.
    ///
    /// # Errors
    /// Those of writing; the old index stays then.
    pub fn finish(mut self) -> Result<Summary, Error> {
        let path = self.generation.path();
        self.writer
            .commit()
            .and_then(|_| self.writer.wait_merging_threads())
            .map_err(|source| Error::engine("write", &path, source))?;
        self.generation.publish()?;
        Ok(self.summary)
    }

    /// What files and repositories have in common.
    fn document(&self, record: &Record, text: &str) -> Result<TantivyDocument, Error> {
        let json = serde_json::to_vec(record)
            .map_err(|source| Error::new(ErrorKind::Internal, format!("cannot store a record: {source}")))?;
        let mut document = TantivyDocument::default();
        document.add_text(self.fields.kind, record.kind.as_str());
        document.add_text(self.fields.repository, &record.repository);
        document.add_text(self.fields.key, sort_key(record));
        document.add_text(self.fields.repository_words, &record.repository);
        document.add_text(self.fields.text, text);
        document.add_bytes(self.fields.record, &json);
        Ok(document)
    }

    fn add(&mut self, document: TantivyDocument, bytes: usize) -> Result<(), Error> {
        self.waiting += bytes;
        let added = self.writer.add_document(document).and_then(|_| {
            if self.waiting < WAITING_BYTES {
                return Ok(());
            }
            self.waiting = 0;
            self.writer.commit().map(drop)
        });
        added.map_err(|source| Error::engine("write", &self.generation.path(), source))
    }
}

/// Orders by repository, the repository itself before its files, then by path.
fn sort_key(record: &Record) -> String {
    match record.kind {
        Kind::Repository => record.repository.clone(),
        Kind::File => format!("{}\0{}", record.repository, record.path),
    }
}
