//! From raw arguments and a config file to settings. Only this and `cli` look at the environment.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use codelupe_core::ErrorCode;
use codelupe_pipeline::Config;
use codelupe_store::DataFolder;

use crate::cli::Global;
use crate::failure::Failure;

/// The settings in force.
pub(crate) struct Settings {
    pub(crate) folder: DataFolder,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) config: Config,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Settings {
    pub(crate) fn resolve(global: &Global) -> anyhow::Result<Self> {
        let config = match &global.config {
            Some(path) => read(path)?,
            None => Config::default(),
        };
        config.validate()?;
        Ok(Self {
            folder: DataFolder::new(&global.data),
            config_file: global.config.clone(),
            config,
            json: global.json,
            quiet: global.quiet,
        })
    }
}

fn read(path: &Path) -> anyhow::Result<Config> {
    let invalid = || {
        Failure::new(
            ErrorCode::Validation,
            format!("the config file `{}` is not valid", path.display()),
        )
    };
    let text = std::fs::read_to_string(path).with_context(|| {
        Failure::new(
            ErrorCode::NotFound,
            format!("the config file `{}` cannot be read", path.display()),
        )
    })?;
    let config: Config = toml::from_str(&text).with_context(invalid)?;
    config.validate().with_context(invalid)?;
    Ok(config)
}
