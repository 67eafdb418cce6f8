//! `codelupe crawl`.

use std::fmt::Write as _;
use std::path::Path;

use codelupe_catalogue::CrawlReport;
use codelupe_core::error::ErrorCode;
use codelupe_forge::{Estimate, Query};
use codelupe_pipeline::crawl::{CrawlOptions, Crawled, crawl_queries, estimate};
use serde_json::json;

use crate::app::App;
use crate::cli::CrawlArguments;
use crate::failure::{Context as _, Failure, Result};
use crate::output::print;

/// Topics and searches for a corpus of code, one on each line.
const DEFAULT_TERMS: &str = include_str!("../../data/terms.txt");

/// Incomplete slices that are told one by one.
const TOLD_SLICES: usize = 5;

/// The largest list of terms, in bytes.
const MAX_TERMS_BYTES: u64 = 1 << 20;

pub(crate) async fn run(app: &App, arguments: &CrawlArguments) -> Result<()> {
    let mut queries = arguments.queries.clone();
    if let Some(path) = &arguments.terms {
        queries.extend(terms(path)?);
    }
    let config = app.settings.config.clone();
    if arguments.dry_run {
        let estimates = app
            .work(app.settings.workplace(), move |worker, pipeline| {
                estimate(&pipeline.context(worker.context(), &config)?, &queries)
            })
            .await?;
        return tell_estimates(app, &estimates);
    }
    let options = CrawlOptions {
        limit: arguments.limit,
        since: arguments.since,
    };
    let crawled = app
        .work(app.settings.workplace(), move |worker, pipeline| {
            crawl_queries(&pipeline.context(worker.context(), &config)?, &queries, options)
        })
        .await?;
    print(app.settings.json, &json!(crawled), || told(&crawled))
}

/// The queries of a list of terms.
fn terms(path: &Path) -> Result<Vec<Query>> {
    let failure = |code, what: &str| Failure::new(code, format!("the terms `{}` {what}", path.display()));
    let unreadable = || failure(ErrorCode::NotFound, "cannot be read");
    let text = if path == Path::new("default") {
        DEFAULT_TERMS.to_owned()
    } else {
        let bytes = std::fs::metadata(path).with_context(unreadable)?.len();
        if bytes > MAX_TERMS_BYTES {
            return Err(failure(ErrorCode::PayloadTooLarge, "have more than 1 MiB"));
        }
        std::fs::read_to_string(path).with_context(unreadable)?
    };
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(index, line)| {
            let query = if line.contains([':', '?']) {
                line.to_owned()
            } else {
                format!("github?topic={line}")
            };
            query
                .parse()
                .with_context(|| failure(ErrorCode::Validation, &format!("are not valid in line {}", index + 1)))
        })
        .collect()
}

fn tell_estimates(app: &App, estimates: &[(Query, Estimate)]) -> Result<()> {
    let value: Vec<_> = estimates
        .iter()
        .map(|(query, estimate)| json!({ "query": query, "repositories": estimate.repositories, "requests": estimate.requests }))
        .collect();
    print(app.settings.json, &json!({ "estimates": value }), || {
        let number = |number: Option<u64>| number.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
        let mut text = String::new();
        for (query, estimate) in estimates {
            let (repositories, requests) = (number(estimate.repositories), number(estimate.requests));
            let _ = writeln!(
                text,
                "{query}: {repositories} repositories, at least {requests} requests"
            );
        }
        text.trim_end().to_owned()
    })
}

fn told(crawled: &Crawled) -> String {
    let upserted = crawled.upserted;
    let mut text = format!(
        "{} repositories listed by {} requests: {} new, {} changed, {} renamed, {} unchanged.",
        crawled.listed, crawled.requests, upserted.new, upserted.changed, upserted.renamed, upserted.unchanged
    );
    for report in &crawled.reports {
        tell_report(&mut text, report);
    }
    text + "\nNext: codelupe repos list"
}

/// What a forge stated and what was found, and everything that is missing.
fn tell_report(text: &mut String, report: &CrawlReport) {
    let state = if report.done {
        "done"
    } else {
        "goes on with the same command"
    };
    let _ = write!(
        text,
        "\nCrawl {}: {} found of {} stated, {} slices done, {} open; {state}.",
        report.id, report.found, report.stated, report.slices_done, report.slices_open
    );
    if report.skipped > 0 {
        let _ = write!(text, "\n  {} entries could not be read.", report.skipped);
    }
    for slice in report.incomplete.iter().take(TOLD_SLICES) {
        let stated = slice.total.map_or_else(|| "more".to_owned(), |total| total.to_string());
        let _ = write!(text, "\n  incomplete: {}: {} of {stated}", slice.slice, slice.found);
    }
    if report.incomplete.len() > TOLD_SLICES {
        let _ = write!(
            text,
            "\n  and {} more incomplete slices",
            report.incomplete.len() - TOLD_SLICES
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_terms_that_come_with_the_program_are_queries() {
        assert!(terms(Path::new("default")).unwrap().len() > 40);
    }
}
