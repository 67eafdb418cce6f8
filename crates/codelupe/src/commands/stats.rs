//! `codelupe stats`.

use crate::app::App;
use crate::failure::Result;
use crate::output::print;
use crate::report;

pub(crate) async fn run(app: &App) -> Result<()> {
    let stats = app.catalogue().await?.stats().await?;
    print(app.settings.json, &stats, || report::stats(&stats))
}
