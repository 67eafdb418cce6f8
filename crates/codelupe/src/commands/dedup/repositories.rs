//! `codelupe dedup repositories`.

use codelupe_inspect::{NamedContainment, RepositoryCopies, repository_copies};
use serde_json::json;

use crate::app::App;
use crate::cli::RepositoriesArguments;
use crate::failure::Result;
use crate::output::print;
use crate::report::tables;

pub(super) async fn run(app: &App, arguments: &RepositoriesArguments) -> Result<()> {
    let mut config = app.settings.config.dedup.clone();
    if let Some(share) = arguments.share {
        config.repository_share = share;
    }
    let copy_config = config.copies()?;
    let found = repository_copies(app.catalogue().await?, &copy_config).await?;
    print(app.settings.json, &json!(found), || {
        text(&found, config.repository_share, arguments.limit)
    })
}

fn text(found: &RepositoryCopies, share: f64, limit: usize) -> String {
    let percent = 100.0 * share;
    if found.contained.is_empty() {
        return format!("no repository has {percent:.0} % of its files in another");
    }
    let mut table = tables::table(&["repository", "fork", "share", "files", "is in", ""], &[2, 3]);
    for row in found.contained.iter().take(limit) {
        table.add_row([
            row.inner.clone(),
            if row.inner_is_fork { "yes" } else { "" }.to_owned(),
            format!("{:.0} %", 100.0 * row.share),
            format!("{} of {}", row.shared, row.files),
            row.outer.clone(),
            if is_copy(found, row) { "near-copy" } else { "" }.to_owned(),
        ]);
    }
    let rest = match found.contained.len().saturating_sub(limit) {
        0 => String::new(),
        rest => format!("\n … and {rest} more; --limit shows them"),
    };
    let left_out = match found.left_out {
        0 => String::new(),
        clusters => format!(" {clusters} clusters that very many repositories have were not counted."),
    };
    format!(
        "{table}{rest}\n{} repositories are near-copies of better-ranked ones.{left_out}\n\
         `[build] repository_copies = \"drop\"` leaves what only they have out of builds.",
        found.copies.len()
    )
}

fn is_copy(found: &RepositoryCopies, row: &NamedContainment) -> bool {
    found.copies.contains(row)
}
