//! `codelupe config`.

use anyhow::Context as _;

use crate::output::print;
use crate::settings::Settings;

pub(crate) fn run(settings: &Settings) -> anyhow::Result<()> {
    let text = toml::to_string_pretty(&settings.config).context("the settings cannot be written as TOML")?;
    print(settings.json, &settings.config, || text.trim_end().to_owned())
}
