//! `codelupe stats`.

use codelupe_catalogue::Catalogue;

use crate::failure::Result;
use crate::output::print;
use crate::report;
use crate::settings::Settings;

pub(crate) async fn run(settings: &Settings) -> Result<()> {
    let catalogue = Catalogue::open_read_only(&settings.catalogue).await?;
    let stats = catalogue.stats().await?;
    print(settings.json, &stats, || report::stats(&stats))
}
