//! `codelupe search`.

use std::fmt::Write;

use codelupe_search::{Hits, Kind, Matching, Query, SearchIndex};

use crate::cli::{SearchArguments, SearchKind};
use crate::failure::Result;
use crate::output::print;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings, arguments: &SearchArguments) -> Result<()> {
    let words = arguments.words.join(" ");
    let index = SearchIndex::open(&settings.folder.search())?;
    let hits = index.search(&Query {
        words: &words,
        kind: arguments.kind.map(|kind| match kind {
            SearchKind::File => Kind::File,
            SearchKind::Repository => Kind::Repository,
        }),
        language: arguments.language.as_deref(),
        repository: arguments.repository.as_deref(),
        limit: usize::from(arguments.limit),
        offset: arguments.offset,
    })?;
    print(settings.json, &hits, || text(&words, &hits, arguments.offset))
}

fn text(words: &str, hits: &Hits, offset: usize) -> String {
    if hits.hits.is_empty() {
        return format!("nothing found for: {words}");
    }
    let mut text = String::new();
    for hit in &hits.hits {
        let path = if hit.path.is_empty() {
            String::new()
        } else {
            format!("/{}", hit.path)
        };
        let _ = writeln!(
            text,
            "{}{path}  ({}, {}, {})",
            hit.repository,
            hit.kind.as_str(),
            hit.language,
            hit.license
        );
        for line in &hit.snippet {
            let _ = writeln!(text, "{:>6}  {}", line.number, line.text);
        }
    }
    let any = if hits.matching == Matching::AnyWord {
        " (no document has all words: these have some)"
    } else {
        ""
    };
    let _ = write!(
        text,
        "{} to {} of {}{any}",
        offset + 1,
        offset + hits.hits.len(),
        hits.total
    );
    text
}
