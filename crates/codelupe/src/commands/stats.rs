//! `codelupe stats`.

use codelupe_inspect as inspect;

use crate::app::App;
use crate::failure::Result;
use crate::output::print;
use crate::report;

pub(crate) async fn run(app: &App) -> Result<()> {
    let stats = inspect::stats(app.catalogue().await?).await?;
    print(app.settings.json, &stats, || report::stats(&stats))
}
