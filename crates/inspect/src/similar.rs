//! Lookups: which files of the corpus are similar to a text.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use codelupe_catalogue::{Catalogue, HolderRow, lsh::LshIndex, lsh::NeighborLimits, lsh::Neighbors};
use codelupe_core::{BlobId, text::display_name};
use codelupe_corpus::DataFolder;
use codelupe_dedup::{Signer, Threshold, jaccard};
use codelupe_process::Processor;
use serde::Serialize;
use tokio::runtime::Handle;

use crate::dedup_config::DedupConfig;
use crate::error::Error;
use crate::lsh::{LshPlace, insert};
use crate::readers::Readers;
use crate::shingling::{shingle_set, signature};
use crate::signatures::distinct;

/// Documents looked at under one band key.
const BUCKET: usize = 1024;

/// Files named for one content.
const FILES_NAMED: usize = 5;

/// The rules that a corpus was made by, as far as similarity depends on them.
#[derive(Debug, Clone)]
pub struct Rules {
    /// How contents are processed.
    pub process: codelupe_process::Config,
    /// How contents are compared.
    pub dedup: DedupConfig,
    /// The recipe that the contents in question were processed by.
    pub recipe: String,
}

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// A file name, which helps to detect the language.
    pub name: &'a str,
    /// The content.
    pub bytes: &'a [u8],
    /// The least similarity of an answer.
    pub threshold: Threshold,
    /// The most contents in the answer; twice as many are compared, those that share the most bands.
    pub limit: usize,
}

/// The similar contents that the corpus holds.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Whether it has enough tokens to be compared; else only identical contents are found.
    pub comparable: bool,
    /// Contents that share a band with it, as far as they were looked at.
    pub candidates: usize,
    /// A bound left candidates out.
    pub capped: bool,
    /// Similar contents, the most similar first.
    pub matches: Vec<Match>,
}

/// A similar content.
#[derive(Debug, Clone, Serialize)]
pub struct Match {
    /// Its blob.
    pub blob: BlobId,
    /// The exact Jaccard similarity; 1 for the same bytes.
    pub jaccard: f64,
    /// Bands shared; 0 where the same bytes were found without them.
    pub shared_bands: u32,
    /// Its language.
    pub language: Option<String>,
    /// Files that hold it, best rank first; the first five.
    pub files: Vec<MatchedFile>,
    /// All files that hold it.
    pub held_by: usize,
}

/// A file of the corpus.
#[derive(Debug, Clone, Serialize)]
pub struct MatchedFile {
    /// `REPO/PATH`.
    pub name: String,
    /// Why deduplication dropped it, if it did.
    pub dropped: Option<String>,
}

/// Answers questions about one data folder. It keeps files open and texts cached, so one is made and asked many times, also
/// by several threads at the same time: questions do not wait for each other.
pub struct Finder {
    rules: Rules,
    catalogue: Catalogue,
    readers: Readers,
    lsh: Arc<dyn LshIndex>,
    processor: Processor,
    /// Cloned for each question, since it works in buffers of its own.
    signer: Signer,
    runtime: Handle,
}

impl Finder {
    /// Opens the LSH index of a data folder. Blocks: not for a runtime's own thread.
    ///
    /// # Errors
    /// `Nothing` when there is no index yet; `Config` when a setting is not valid; `Store` when the LSH index is damaged, or was
    /// made by other parameters than those configured.
    pub fn open(rules: Rules, folder: &DataFolder, catalogue: &Catalogue, runtime: &Handle) -> Result<Self, Error> {
        let readers = Readers::new(folder, runtime.block_on(catalogue.segments())?);
        let place = LshPlace {
            dedup: &rules.dedup,
            recipe: &rules.recipe,
            folder: &folder.lsh(),
            catalogue,
        };
        let lsh = runtime.block_on(place.open_existing())?;
        if place.is_in_memory() {
            let documents = distinct(&runtime.block_on(catalogue.dedup_input())?.candidates);
            let go_on = || Ok::<_, Error>(());
            readers.with(|reader| insert(&rules.dedup, runtime, lsh.as_ref(), reader, &documents, &go_on))?;
        }
        Ok(Self {
            processor: Processor::new(rules.process.clone())?,
            signer: rules.dedup.signer()?,
            catalogue: catalogue.clone(),
            readers,
            lsh,
            runtime: runtime.clone(),
            rules,
        })
    }

    /// Finds what is similar to a content. It is processed as files of the corpus are, so that replaced secrets do not
    /// count as differences; whether rules would drop it does not matter. Blocks as [`Self::open`] does.
    ///
    /// # Errors
    /// `Store` when catalogue, index or segments cannot be read.
    pub fn find(&self, question: &Question<'_>) -> Result<Answer, Error> {
        let processed = self.processor.process(question.name, question.bytes);
        let language = processed.language.as_ref().map(|language| language.as_str().to_owned());
        let text = match processed.text {
            Some(text) => text,
            None => String::from_utf8_lossy(question.bytes).into_owned(),
        };
        let (dedup, language) = (&self.rules.dedup, language.as_deref());
        let signature = signature(dedup, &mut self.signer.clone(), language, &text);
        let mut neighbors = Neighbors::default();
        if let Some(signature) = &signature {
            let keys: Vec<u64> = dedup.banding()?.keys(signature).collect();
            let limits = NeighborLimits {
                bucket: BUCKET,
                neighbors: question.limit.saturating_mul(2),
            };
            let found = self.runtime.block_on(self.lsh.neighbors(&keys, limits));
            neighbors = found.map_err(Error::lsh)?;
        }
        let own = shingle_set(dedup, language, &text)?;
        let mut matches = self.compare(question, &own, &neighbors)?;
        matches.sort_by(|a, b| b.jaccard.total_cmp(&a.jaccard).then(a.blob.cmp(&b.blob)));
        matches.truncate(question.limit);
        Ok(Answer {
            comparable: signature.is_some(),
            candidates: neighbors.found.len(),
            capped: neighbors.capped,
            matches,
        })
    }

    fn compare(&self, question: &Question<'_>, own: &[u64], neighbors: &Neighbors) -> Result<Vec<Match>, Error> {
        let same = BlobId::of(question.bytes);
        let mut shared: HashMap<BlobId, u32> = HashMap::from([(same, 0)]);
        shared.extend(neighbors.found.iter().map(|neighbor| (neighbor.blob, neighbor.shared)));
        let blobs: Vec<BlobId> = shared.keys().copied().collect();
        let mut matches = Vec::new();
        for (blob, holders) in self.holders(&blobs)? {
            let jaccard = if blob == same {
                1.0
            } else {
                self.similarity(own, &holders[0])?
            };
            if jaccard >= question.threshold.get() {
                matches.push(Match {
                    blob,
                    jaccard,
                    shared_bands: shared.get(&blob).copied().unwrap_or(0),
                    language: holders[0].language.clone(),
                    files: holders.iter().take(FILES_NAMED).map(named).collect(),
                    held_by: holders.len(),
                });
            }
        }
        Ok(matches)
    }

    /// The files that hold these blobs, at least one for each of them that the corpus has.
    fn holders(&self, blobs: &[BlobId]) -> Result<BTreeMap<BlobId, Vec<HolderRow>>, Error> {
        let rows = self.catalogue.holders(blobs, &self.rules.recipe);
        let mut holders: BTreeMap<BlobId, Vec<HolderRow>> = BTreeMap::new();
        for holder in self.runtime.block_on(rows)? {
            holders.entry(holder.blob).or_default().push(holder);
        }
        Ok(holders)
    }

    fn similarity(&self, own: &[u64], holder: &HolderRow) -> Result<f64, Error> {
        let content = self.readers.with(|reader| reader.content(holder.location))?;
        let other = shingle_set(&self.rules.dedup, content.language.as_deref(), &content.text)?;
        Ok(jaccard(own, &other))
    }
}

fn named(holder: &HolderRow) -> MatchedFile {
    MatchedFile {
        name: format!("{}/{}", holder.repository, display_name(&holder.path)),
        dropped: holder.dropped.clone(),
    }
}
