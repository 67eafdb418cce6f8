//! `codelupe search`.

use std::fmt::Write;

use codelupe_search::{Hits, Kind, Matching, Query};

use crate::app::App;
use crate::cli::{SearchArguments, SearchKind};
use crate::failure::Result;
use crate::output::print;

pub(crate) async fn run(app: &App, arguments: &SearchArguments) -> Result<()> {
    let words = arguments.words.join(" ");
    let hits = app.search().await?.search(&Query {
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
    print(app.settings.json, &hits, || text(&words, &hits, arguments.offset))
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
