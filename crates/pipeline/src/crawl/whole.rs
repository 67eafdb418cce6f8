//! Crawling as a part of other work: what a query finds, selected, as repositories to fetch.

use codelupe_catalogue::{CrawlId, HostedFilter, HostedOrder};
use codelupe_core::{LicenseClass, SelectionRules};
use codelupe_forge::{Estimate, Found, Query, Remote, Target};
use codelupe_inspect::selected;

use super::{CrawlOptions, Crawled, Forges, Listing, RefreshOptions, SINCE, crawl, refresh};
use crate::context::Context;
use crate::error::{Error, ErrorKind};

/// Lists what the queries ask for, and stores it; see [`crawl`].
///
/// # Errors
/// Those of [`crawl`].
pub fn crawl_queries(context: &Context, queries: &[Query], options: CrawlOptions) -> Result<Crawled, Error> {
    let mut forges = Forges::new(&context.config, &context.tokens);
    let asked = queries
        .iter()
        .map(|query| forges.ask(query))
        .collect::<Result<Vec<_>, _>>()?;
    let listings: Vec<&dyn Listing> = asked.iter().map(|query| query as &dyn Listing).collect();
    context.wait(crawl(&context.catalogue, &listings, options, &context.progress))
}

/// What listing the queries would cost: one request each tells.
///
/// # Errors
/// `Source` when a forge does not answer.
pub fn estimate(context: &Context, queries: &[Query]) -> Result<Vec<(Query, Estimate)>, Error> {
    let mut forges = Forges::new(&context.config, &context.tokens);
    let mut estimates = Vec::new();
    for query in queries {
        context.progress.check()?;
        let asked = forges.ask(query)?;
        estimates.push((query.clone(), context.wait(asked.estimate())?));
    }
    Ok(estimates)
}

/// Asks forges again for what they listed, that of `host` or all; see [`refresh`].
///
/// # Errors
/// `Nothing` when none was listed; those of [`refresh`].
pub fn refresh_forges(context: &Context, host: Option<&str>, options: RefreshOptions) -> Result<Crawled, Error> {
    let mut forges = Forges::new(&context.config, &context.tokens);
    let mut known = context.wait(context.catalogue.crawled_forges())?;
    known.retain(|(forge, _)| host.is_none_or(|host| host == forge));
    if known.is_empty() {
        let what = host.unwrap_or("any forge");
        let context = format!("no crawl has listed {what}; `codelupe crawl` does");
        return Err(Error::new(ErrorKind::Nothing, context));
    }
    let mut crawled = Crawled::default();
    for (_, query) in known {
        let query = query.split_once(SINCE).map_or(query.as_str(), |(query, _)| query);
        let forge = forges.forge_of(&query.parse()?)?;
        let limit = options.limit - crawled.listed.min(options.limit);
        let options = RefreshOptions { limit, ..options };
        let one = context.wait(refresh(&context.catalogue, &forge, options, &context.progress))?;
        crawled += one;
    }
    Ok(crawled)
}

/// Lists what a query asks for, and returns what is to be fetched of it. A repository that the query names is fetched
/// whatever the rules say, unless its owner asked to leave it out.
///
/// # Errors
/// Those of [`crawl`].
pub fn find_hosted(context: &Context, query: &Query) -> Result<Vec<Found>, Error> {
    let crawled = crawl_queries(context, std::slice::from_ref(query), CrawlOptions::default())?;
    let everything;
    let rules = if matches!(query.target(), Target::Repository(_)) {
        everything = named_by_the_user(&context.config.selection);
        &everything
    } else {
        &context.config.selection
    };
    let mut found = Vec::new();
    for report in crawled.reports {
        let filter = HostedFilter {
            crawl: Some(CrawlId(report.id)),
            forge: Some(query.host().to_owned()),
            order: HostedOrder::Id,
            ..HostedFilter::default()
        };
        let chosen = context.wait(selected(&context.catalogue, rules, filter, usize::MAX))?;
        tracing::info!(%query, listed = report.found, selected = chosen.len(), "crawled");
        for repository in &chosen {
            found.push(Found::Remote(Remote::of(repository)?));
        }
    }
    Ok(found)
}

/// Rules that let everything pass but what must not be used.
fn named_by_the_user(rules: &SelectionRules) -> SelectionRules {
    SelectionRules {
        min_stars: 0,
        max_size_kib: u64::MAX,
        licenses: LicenseClass::ALL.to_vec(),
        languages: Vec::new(),
        min_age_days: None,
        max_age_days: None,
        pushed_within_days: None,
        forks: true,
        archived: true,
        mirrors: true,
        templates: true,
        min_score: 0,
        exclude: rules.exclude.clone(),
    }
}
