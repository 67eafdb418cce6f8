//! Answers queries from an index.

use std::ops::Range;
use std::path::{Path, PathBuf};

use codelupe_core::text::display_path;
use codelupe_telemetry::{NoLabels, QueryLabels, QueryOutcome, SEARCH_HITS, SEARCH_QUERIES, SEARCH_QUERY_DURATION};
use serde::Serialize;
use tantivy::collector::sort_key::{SortBySimilarityScore, SortByString};
use tantivy::collector::{Count, TopDocs};
use tantivy::query::BooleanQuery;
use tantivy::schema::Value;
use tantivy::{DocAddress, Index, IndexReader, Order, ReloadPolicy, Searcher, TantivyDocument, TantivyError};

use crate::document::{Kind, Record};
use crate::error::{Error, ErrorKind};
use crate::generation;
use crate::query::{Clause, Filters, Matching, compile, parse};
use crate::schema::{Fields, KEY, register_tokenizer, schema};
use crate::snippet::{SnippetLine, best_lines};

/// The most hits of one answer.
pub const MAX_LIMIT: usize = 100;

/// The largest offset: the engine holds as many hits in memory while it sorts.
pub const MAX_OFFSET: usize = 10_000;

/// How many lines a hit shows.
const SNIPPET_LINES: usize = 3;

/// How often an index is opened again that a build replaced in the meantime.
const OPEN_ATTEMPTS: usize = 5;

/// What to look for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// Words, identifiers and quoted phrases, as typed. Without any letter or digit nothing is found.
    /// Only the first 4,096 bytes, and 32 words of these, count.
    pub words: &'a str,
    /// Only files or only repositories.
    pub kind: Option<Kind>,
    /// Only this language, by linguist's name in any case; of repositories, those that hold it.
    pub language: Option<&'a str>,
    /// Only this repository and its files, by its exact name.
    pub repository: Option<&'a str>,
    /// The most hits wanted; more than [`MAX_LIMIT`] counts as that.
    pub limit: usize,
    /// How many of the best hits to leave out; over [`MAX_OFFSET`] there are no hits.
    pub offset: usize,
}

impl<'a> Query<'a> {
    /// The ten best files and repositories for `words`.
    pub const fn new(words: &'a str) -> Self {
        Self {
            words,
            kind: None,
            language: None,
            repository: None,
            limit: 10,
            offset: 0,
        }
    }
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hits {
    /// How many documents match in all.
    pub total: usize,
    /// Whether they match all words, or any because nothing matches all.
    pub matching: Matching,
    /// The best, by score, then by repository name (the repository before its files), then by path.
    pub hits: Vec<Hit>,
}

/// One document that matches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Hit {
    /// What it is.
    pub kind: Kind,
    /// The name of the repository.
    pub repository: String,
    /// The path in the repository; empty for a repository.
    pub path: String,
    /// The language; of a repository the largest, or empty.
    pub language: String,
    /// The license as an SPDX expression; empty when none is known.
    pub license: String,
    /// The size in bytes; of a repository that of its files in the build.
    pub bytes: u64,
    /// The git id of a file's content.
    pub blob: Option<String>,
    /// The quality score of a file, 0 to 100.
    pub quality: Option<u8>,
    /// How many files of a repository the build holds.
    pub files: Option<u64>,
    /// The kind of place a repository comes from.
    pub forge: Option<String>,
    /// The address a repository was found at.
    pub origin: Option<String>,
    /// The BM25 score, summed over fields; only comparable within one answer.
    pub score: f32,
    /// The lines of the content (of the readme) that match best, at most three, in order; none when only names match.
    pub snippet: Vec<SnippetLine>,
}

/// An index that is open for searching; cheap to share between threads.
///
/// It goes on answering from the index that it opened when a build replaces that: open again to see the new one.
pub struct SearchIndex {
    path: PathBuf,
    fields: Fields,
    reader: IndexReader,
}

impl SearchIndex {
    /// Opens the index in `folder`.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] without an index, [`ErrorKind::UnknownFormat`] for one of another version,
    /// [`ErrorKind::Corrupt`] for a damaged one, and those of reading.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let mut path = generation::current(folder)?;
        for _ in 1..OPEN_ATTEMPTS {
            let opened = Self::open_generation(&path);
            // Files that go while they are opened are no error of the engine's: it takes a missing one for an empty one. The
            // pointer moves before they go.
            let current = generation::current(folder)?;
            if current == path {
                return opened;
            }
            path = current;
        }
        Self::open_generation(&path)
    }

    /// Answers one query.
    ///
    /// # Errors
    /// [`ErrorKind::Corrupt`] for a damaged index and those of reading; never for what the query says.
    pub fn search(&self, query: &Query<'_>) -> Result<Hits, Error> {
        let started = SEARCH_QUERY_DURATION.start();
        let answer = self.answer(query);
        SEARCH_QUERY_DURATION.stop(started, NoLabels {});
        record(&answer);
        answer
    }

    fn answer(&self, query: &Query<'_>) -> Result<Hits, Error> {
        let clauses = parse(query.words);
        if clauses.is_empty() {
            return Ok(Hits {
                total: 0,
                matching: Matching::AllWords,
                hits: Vec::new(),
            });
        }
        let mut hits = self.search_matching(query, &clauses, Matching::AllWords)?;
        if hits.total == 0 && clauses.iter().map(|clause| clause.parts.len()).sum::<usize>() > 1 {
            let any = self.search_matching(query, &clauses, Matching::AnyWord)?;
            if any.total > 0 {
                hits = any;
            }
        }
        Ok(hits)
    }

    fn open_generation(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::engine("open", path, source);
        let index = Index::open_in_dir(path).map_err(failed)?;
        let (schema, fields) = schema();
        if index.schema() != schema {
            let context = format!(
                "the search index in `{}` has other fields; build it again",
                display_path(path)
            );
            return Err(Error::new(ErrorKind::Corrupt, context));
        }
        register_tokenizer(&index);
        let reader = index
            .reader_builder()
            .reload_policy(ReloadPolicy::Manual)
            .try_into()
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            fields,
            reader,
        })
    }

    fn search_matching(&self, query: &Query<'_>, clauses: &[Clause], matching: Matching) -> Result<Hits, Error> {
        let filters = Filters {
            kind: query.kind,
            language: query.language,
            repository: query.repository,
        };
        let compiled = compile(&self.fields, clauses, filters, matching);
        let limit = if query.offset > MAX_OFFSET {
            0
        } else {
            query.limit.min(MAX_LIMIT)
        };
        let searcher = self.reader.searcher();
        let (total, best) = best_documents(&searcher, &compiled, query.offset..query.offset.saturating_add(limit))
            .map_err(|source| self.failed(source))?;
        let hits = best
            .into_iter()
            .map(|(score, address)| self.hit(&searcher, address, score, clauses))
            .collect::<Result<_, _>>()?;
        Ok(Hits { total, matching, hits })
    }

    fn hit(&self, searcher: &Searcher, address: DocAddress, score: f32, clauses: &[Clause]) -> Result<Hit, Error> {
        let document: TantivyDocument = searcher.doc(address).map_err(|source| self.failed(source))?;
        let json = document
            .get_first(self.fields.record)
            .and_then(|value| value.as_bytes());
        let text = document.get_first(self.fields.text).and_then(|value| value.as_str());
        let record: Record = serde_json::from_slice(json.unwrap_or_default()).map_err(|_| {
            let context = format!(
                "a record in `{}` is damaged; build the index again",
                display_path(&self.path)
            );
            Error::new(ErrorKind::Corrupt, context)
        })?;
        Ok(Hit {
            kind: record.kind,
            repository: record.repository,
            path: record.path,
            language: record.language,
            license: record.license,
            bytes: record.bytes,
            blob: record.blob,
            quality: record.quality,
            files: record.files,
            forge: record.forge,
            origin: record.origin,
            score,
            snippet: best_lines(text.unwrap_or_default(), clauses, SNIPPET_LINES),
        })
    }

    fn failed(&self, source: TantivyError) -> Error {
        Error::engine("search", &self.path, source)
    }
}

fn record(answer: &Result<Hits, Error>) {
    let outcome = match answer {
        Err(_) => QueryOutcome::Failed,
        Ok(hits) if hits.total == 0 => QueryOutcome::Nothing,
        Ok(hits) => match hits.matching {
            Matching::AllWords => QueryOutcome::AllWords,
            Matching::AnyWord => QueryOutcome::AnyWord,
        },
    };
    SEARCH_QUERIES.add(QueryLabels { outcome }, 1);
    if let Ok(hits) = answer {
        SEARCH_HITS.observe(NoLabels {}, hits.total as f64);
    }
}

/// How many documents match, and those of the given ranks with their scores.
fn best_documents(
    searcher: &Searcher,
    query: &BooleanQuery,
    ranks: Range<usize>,
) -> Result<(usize, Vec<(f32, DocAddress)>), TantivyError> {
    if ranks.is_empty() {
        return Ok((searcher.search(query, &Count)?, Vec::new()));
    }
    let order = (
        (SortBySimilarityScore, Order::Desc),
        (SortByString::for_field(KEY), Order::Asc),
    );
    let top = TopDocs::for_doc_range(ranks).order_by(order);
    let (total, best) = searcher.search(query, &(Count, top))?;
    Ok((
        total,
        best.into_iter().map(|((score, _), address)| (score, address)).collect(),
    ))
}
