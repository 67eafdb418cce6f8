//! `codelupe dedup clusters`.

use std::fmt::Write;

use codelupe_catalogue::ClusterRow;
use codelupe_core::{error::ErrorCode, text::display_name};
use codelupe_inspect::{self as inspect, ShownCluster};
use indicatif::{HumanBytes, HumanCount};
use serde_json::json;

use crate::app::App;
use crate::cli::ClustersArguments;
use crate::failure::{Failure, Result};
use crate::output::print;
use crate::report::tables;

pub(super) async fn run(app: &App, arguments: &ClustersArguments) -> Result<()> {
    let (catalogue, json) = (app.catalogue().await?, app.settings.json);
    let Some(id) = arguments.id else {
        let clusters = inspect::clusters(catalogue, arguments.limit).await?;
        return print(json, &clusters, || list(&clusters));
    };
    let unknown = |error| Failure::from(error).hint_for(ErrorCode::NotFound, "`codelupe dedup clusters` lists them");
    let shown = inspect::cluster(catalogue, id, arguments.limit)
        .await
        .map_err(unknown)?;
    print(json, &json!(shown), || one(&shown))
}

fn list(clusters: &[ClusterRow]) -> String {
    if clusters.is_empty() {
        return "no file was dropped as a duplicate".to_owned();
    }
    let mut table = tables::table(&["cluster", "files", "dropped", "least J", "kept file"], &[0, 1, 2, 3]);
    for cluster in clusters {
        table.add_row([
            cluster.id.to_string(),
            HumanCount(cluster.files.cast_unsigned()).to_string(),
            HumanBytes(cluster.dropped_bytes.cast_unsigned()).to_string(),
            format!("{:.2}", cluster.least_jaccard),
            format!("{}/{}", cluster.repository, display_name(&cluster.path)),
        ]);
    }
    format!("{table}\nThe files of one: codelupe dedup clusters {}", clusters[0].id)
}

fn one(shown: &ShownCluster) -> String {
    let ShownCluster { cluster, members } = shown;
    let mut table = tables::table(&["J", "dropped as", "file"], &[0]);
    for member in members {
        table.add_row([
            format!("{:.2}", member.jaccard),
            member.reason.clone(),
            format!("{}/{}", member.repository, display_name(&member.path)),
        ]);
    }
    let kept = format!("{}/{}", cluster.repository, display_name(&cluster.path));
    let mut text = format!("Kept: {kept}\n\n{table}");
    let rest = (cluster.files.cast_unsigned() - 1).saturating_sub(members.len() as u64);
    if rest > 0 {
        let _ = write!(text, "\n … and {rest} more; --limit shows them");
    }
    text
}
