//! The index stage: makes the latest build searchable.

use std::collections::BTreeMap;
use std::path::Path;

use codelupe_catalogue::BuildRow;
use codelupe_corpus::{Artifact, BuildRecord, DataFolder, ErrorKind as Missing, Staged, read_manifest, read_shard};
use codelupe_disk::work_name;
use codelupe_search::{FileDocument, IndexBuilder, RepositoryDocument, SearchIndex};

use crate::context::Context;
use crate::error::{Error, ErrorKind};
use codelupe_worker::{Step, raise};

/// Memory that indexing may take, in bytes.
const MEMORY_BYTES: usize = 128 << 20;

/// Writes the search index of the latest build, over the old one.
///
/// # Errors
/// `Nothing` when there is no build; `Canceled` after a stop; `Store` and `Search` when reading or writing fails. The
/// old index stays then.
pub(crate) fn index(context: &Context) -> Result<(), Error> {
    let Some(build) = context.wait(context.catalogue.latest_build())? else {
        return Err(Error::new(ErrorKind::Nothing, "there is no build to index"));
    };
    let indexed = context.wait(context.catalogue.stage_state("index"))?;
    let artifact = Artifact::Search(build.digest.clone());
    if indexed.as_ref() == Some(&build.digest) && is_there(&context.folder, &artifact)? {
        return Ok(());
    }
    if context.folder.is_own_store() {
        write(context, &build, &context.folder.search())?;
    } else {
        let work = context.folder.tmp().join(work_name("search"));
        write(context, &build, &work)?;
        context.folder.publish_artifact(&artifact, &work)?;
    }
    context.wait(context.catalogue.set_index_state(&build.digest))?;
    // Whoever had found one of them has it in the cache by now, or looks again.
    for old in context.folder.stored_searches()? {
        if old != build.digest {
            context.folder.remove_artifact(&Artifact::Search(old))?;
        }
    }
    Ok(())
}

/// Whether the index can be opened. One that is damaged is made again.
fn is_there(folder: &DataFolder, artifact: &Artifact) -> Result<bool, Error> {
    let staged = if folder.is_own_store() {
        Staged::here(folder.search())
    } else {
        match folder.stage(artifact) {
            Err(error) if matches!(error.kind(), Missing::NotFound | Missing::Corrupt) => return Ok(false),
            staged => staged?,
        }
    };
    Ok(SearchIndex::open(staged.path()).is_ok())
}

/// Writes the search index of a build in a folder, over the one that is there.
fn write(context: &Context, build: &BuildRow, folder: &Path) -> Result<(), Error> {
    let objects = context.folder.objects();
    let manifest = read_manifest(&**objects, &build.name)?;
    context.progress.begin(Step::Index, manifest.total().files);
    let mut builder = codelupe_search::build(folder, MEMORY_BYTES)?;
    let mut repositories: BTreeMap<String, Repository> = BTreeMap::new();
    for shard in manifest.splits.iter().flat_map(|split| &split.shards) {
        read_shard(objects, &build.name, shard, |record| -> Result<(), Error> {
            context.progress.check()?;
            raise(&context.progress.done, 1);
            add_file(&mut builder, &record)?;
            repositories.entry(record.repository.clone()).or_default().add(record);
            Ok(())
        })?;
    }
    for (name, repository) in &repositories {
        repository.index(name, &mut builder)?;
    }
    builder.finish()?;
    Ok(())
}

fn add_file(builder: &mut IndexBuilder, record: &BuildRecord) -> Result<(), Error> {
    builder.add_file(&FileDocument {
        repository: &record.repository,
        path: &record.path,
        language: &record.language,
        license: record.license.as_deref().unwrap_or_default(),
        quality: record.quality,
        bytes: record.content.len() as u64,
        blob: &record.blob,
        text: &record.content,
    })?;
    Ok(())
}

/// What is collected about a repository while its files go by.
#[derive(Default)]
struct Repository {
    forge: String,
    origin: String,
    license: String,
    languages: BTreeMap<String, u64>,
    files: u64,
    bytes: u64,
    readme: String,
}

/// Bytes kept of a repository's readme.
const README_BYTES: usize = 64 << 10;

impl Repository {
    fn add(&mut self, record: BuildRecord) {
        let bytes = record.content.len() as u64;
        self.files += 1;
        self.bytes += bytes;
        *self.languages.entry(record.language).or_default() += bytes;
        self.forge = record.forge;
        self.origin = record.origin.unwrap_or_default();
        self.license = record.license.unwrap_or_default();
        if self.readme.is_empty() && is_readme(&record.path) {
            self.readme = record.content;
            self.readme.truncate(self.readme.floor_char_boundary(README_BYTES));
        }
    }

    fn index(&self, name: &str, builder: &mut IndexBuilder) -> Result<(), Error> {
        let mut languages: Vec<(&String, &u64)> = self.languages.iter().collect();
        languages.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
        let languages: Vec<String> = languages.into_iter().map(|(language, _)| language.clone()).collect();
        builder.add_repository(&RepositoryDocument {
            name,
            forge: &self.forge,
            origin: &self.origin,
            license: &self.license,
            languages: &languages,
            files: self.files,
            bytes: self.bytes,
            readme: &self.readme,
        })?;
        Ok(())
    }
}

/// A readme at the root of its repository.
fn is_readme(path: &str) -> bool {
    path.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("readme")) && !path.contains('/')
}
