//! `codelupe db seed`: a few made-up repositories, for looking at things without real ones.

use std::fs;
use std::path::Path;

use codelupe_forge::Source;

use crate::app::App;
use crate::cli::QueueArguments;
use crate::commands::run::{first, go};
use crate::failure::{Context as _, Result};
use crate::report;

/// Repository, path, text. One file is in two repositories, one is nearly so, one is too short to be kept, and one has a
/// password in it.
const FILES: [(&str, &str, &str); 8] = [
    ("counter", "LICENSE", include_str!("seed/LICENSE.txt")),
    ("counter", "src/lib.rs", include_str!("seed/counter.rs.txt")),
    ("counter", "tools/report.py", include_str!("seed/report.py.txt")),
    ("counter-fork", "LICENSE", include_str!("seed/LICENSE.txt")),
    ("counter-fork", "src/lib.rs", include_str!("seed/counter.rs.txt")),
    ("counter-fork", "src/nearly.rs", include_str!("seed/nearly.rs.txt")),
    ("unlicensed", "server.go", include_str!("seed/server.go.txt")),
    ("unlicensed", "empty.go", ""),
];

pub(super) async fn run(app: &App) -> Result<()> {
    let root = tempfile::tempdir().doing("cannot make a temporary folder")?;
    for (repository, path, text) in FILES {
        write(&root.path().join(repository).join(path), text)?;
    }
    let source = Source::Repositories(root.path().to_owned());
    let queue = QueueArguments {
        enqueue: false,
        priority: 0,
    };
    let done = go(app, queue, move |context| first(context, source, usize::MAX)).await?;
    done.map_or(Ok(()), |outcome| report::outcome(&app.settings, &outcome, None))
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).doing(format!("cannot make the folder `{}`", folder.display()))?;
    fs::write(path, text).doing(format!("cannot write `{}`", path.display()))
}
