//! Lookups: which files of the corpus are like a text.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use codelupe_catalogue::{Catalogue, HolderRow, lsh::LshIndex, lsh::LshKind, lsh::NeighborLimits, lsh::Neighbors};
use codelupe_core::{BlobId, text::display_name};
use codelupe_corpus::{DataFolder, SegmentReader};
use codelupe_dedup::{Signer, Threshold, jaccard};
use codelupe_process::Processor;
use serde::Serialize;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::dedup::{distinct, lsh};
use crate::error::Error;
use crate::shingling::{shingle_set, signature};

/// Documents looked at under one band key.
const BUCKET: usize = 1024;

/// Files named for one content.
const FILES_NAMED: usize = 5;

/// What is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// A file name: it takes part in telling the language.
    pub name: &'a str,
    /// The content.
    pub bytes: &'a [u8],
    /// The least similarity of an answer.
    pub threshold: Threshold,
    /// The most contents in the answer; twice as many are compared, those that share the most bands.
    pub limit: usize,
}

/// What the corpus holds that is like it.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    /// Whether it has tokens enough to be compared; else only the same bytes are found.
    pub comparable: bool,
    /// Contents that share a band with it, as far as they were looked at.
    pub candidates: usize,
    /// A bound left candidates out.
    pub capped: bool,
    /// Contents that are like it, the most similar first.
    pub matches: Vec<Match>,
}

/// A content that is like it.
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

/// Answers questions about one data folder. It keeps files open and texts cached, and is meant to be asked again.
pub struct Finder {
    config: Config,
    catalogue: Catalogue,
    reader: SegmentReader,
    lsh: Arc<dyn LshIndex>,
    processor: Processor,
    signer: Signer,
    runtime: Handle,
}

impl Finder {
    /// Opens the LSH index of a data folder. Blocks: not for a runtime's own thread.
    ///
    /// # Errors
    /// `Nothing` when there is no index yet; `Config` when a setting is not valid; `Store` when the LSH index is damaged, or was
    /// made by other parameters than those configured.
    pub fn open(config: &Config, folder: &DataFolder, catalogue: &Catalogue, runtime: &Handle) -> Result<Self, Error> {
        let mut reader = SegmentReader::new(folder, runtime.block_on(catalogue.segments())?);
        let lsh = runtime.block_on(lsh::open_existing(config, folder, catalogue))?;
        if config.dedup.lsh_kind(catalogue) == LshKind::Memory {
            let documents = distinct(&runtime.block_on(catalogue.dedup_input())?.candidates);
            lsh::insert(config, runtime, lsh.as_ref(), &mut reader, &documents, &|| Ok(()))?;
        }
        Ok(Self {
            config: config.clone(),
            catalogue: catalogue.clone(),
            reader,
            lsh,
            processor: Processor::new(config.process.clone())?,
            signer: config.dedup.signer()?,
            runtime: runtime.clone(),
        })
    }

    /// What is like the content in question. It is processed as files of the corpus are, so that replaced secrets do not
    /// count as differences; whether rules would drop it does not matter.
    ///
    /// # Errors
    /// `Store` when catalogue, index or segments cannot be read.
    pub fn find(&mut self, question: &Question<'_>) -> Result<Answer, Error> {
        let processed = self.processor.process(question.name, question.bytes);
        let language = processed.language.as_ref().map(|language| language.as_str().to_owned());
        let text = match processed.text {
            Some(text) => text,
            None => String::from_utf8_lossy(question.bytes).into_owned(),
        };
        let language = language.as_deref();
        let signature = signature(&self.config.dedup, &mut self.signer, language, &text);
        let mut neighbors = Neighbors::default();
        if let Some(signature) = &signature {
            let keys: Vec<u64> = self.config.dedup.banding()?.keys(signature).collect();
            let limits = NeighborLimits {
                bucket: BUCKET,
                neighbors: question.limit.saturating_mul(2),
            };
            neighbors = self
                .runtime
                .block_on(self.lsh.neighbors(&keys, limits))
                .map_err(Error::lsh)?;
        }
        let own = shingle_set(&self.config.dedup, language, &text)?;
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

    fn compare(&mut self, question: &Question<'_>, own: &[u64], neighbors: &Neighbors) -> Result<Vec<Match>, Error> {
        let same = BlobId::of(question.bytes);
        let mut shared: HashMap<BlobId, u32> = HashMap::from([(same, 0)]);
        shared.extend(neighbors.found.iter().map(|neighbor| (neighbor.blob, neighbor.shared)));
        let blobs: Vec<BlobId> = shared.keys().copied().collect();
        let mut holders: BTreeMap<BlobId, Vec<HolderRow>> = BTreeMap::new();
        for holder in self
            .runtime
            .block_on(self.catalogue.holders(&blobs, &self.config.recipe()))?
        {
            holders.entry(holder.blob).or_default().push(holder);
        }
        let mut matches = Vec::new();
        for (blob, holders) in holders {
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

    fn similarity(&mut self, own: &[u64], holder: &HolderRow) -> Result<f64, Error> {
        let content = self.reader.content(holder.location)?;
        let other = shingle_set(&self.config.dedup, content.language.as_deref(), &content.text)?;
        Ok(jaccard(own, &other))
    }
}

fn named(holder: &HolderRow) -> MatchedFile {
    MatchedFile {
        name: format!("{}/{}", holder.repository, display_name(&holder.path)),
        dropped: holder.dropped.clone(),
    }
}
