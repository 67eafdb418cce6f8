//! From raw arguments and a config file to settings. Only this and `cli` look at the environment.

mod alerts;
mod renamed;
mod store;
mod tokens;

use std::path::{Path, PathBuf};

use codelupe_catalogue::{CatalogueUrl, Migrate};
use codelupe_core::error::ErrorCode;
use codelupe_corpus::DataFolder;
use codelupe_forge::Token;
use codelupe_pipeline::Config;
use codelupe_train::TrainConfig;
use codelupe_worker::{LEASE, Workplace};
use tokio::runtime::Handle;
use toml::{Table, Value};

pub(crate) use alerts::{AlertSettings, WEBHOOK_VARIABLE};
pub(crate) use store::{ONE_MACHINE, StoreSettings, open as open_store};

use crate::cli::Global;
use crate::failure::{Context as _, Failure, Result};

/// The settings in force.
pub(crate) struct Settings {
    pub(crate) folder: DataFolder,
    pub(crate) catalogue: CatalogueUrl,
    pub(crate) migrate: Migrate,
    pub(crate) config_file: Option<PathBuf>,
    pub(crate) config: Config,
    pub(crate) train: TrainConfig,
    pub(crate) alerts: AlertSettings,
    pub(crate) store: StoreSettings,
    pub(crate) tokens: Vec<Token>,
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Settings {
    /// Answers of a store are waited for on `runtime`.
    pub(crate) fn resolve(global: &Global, runtime: &Handle) -> Result<Self> {
        let File {
            config,
            train,
            alerts,
            store,
        } = match &global.config {
            Some(path) => read(path)?,
            None => File::default(),
        };
        let folder = match &global.store {
            Some(url) => store::folder(&global.data, &url.parse()?, &store, runtime)?,
            None => DataFolder::new(&global.data),
        };
        let catalogue = match &global.db {
            Some(url) => {
                warn_of_password(url);
                url.parse()?
            }
            None => CatalogueUrl::Sqlite(folder.catalogue()),
        };
        Ok(Self {
            folder,
            catalogue,
            migrate: if global.migrate {
                Migrate::Allowed
            } else {
                Migrate::Refused
            },
            config_file: global.config.clone(),
            config,
            train,
            alerts: alerts.with_environment()?,
            store,
            tokens: tokens::read()?,
            json: global.json,
            quiet: global.quiet,
        })
    }

    /// Where the stages work.
    pub(crate) fn workplace(&self) -> Workplace {
        if !self.folder.is_own_store() && matches!(self.catalogue, CatalogueUrl::Sqlite(_)) {
            tracing::info!("{ONE_MACHINE}");
        }
        Workplace {
            folder: self.folder.clone(),
            catalogue: self.catalogue.clone(),
            migrate: self.migrate,
            lease: LEASE,
            alerts: self.alerts.sink(),
        }
    }
}

/// Every user of a machine can read the arguments of all its processes.
fn warn_of_password(url: &str) {
    let login = url
        .split_once("://")
        .and_then(|(_, rest)| rest.split_once('@'))
        .map(|(login, _)| login);
    let as_argument = std::env::args_os().any(|argument| argument.to_string_lossy().contains(url));
    if as_argument && login.is_some_and(|login| login.contains(':')) {
        tracing::warn!("a password on the command line can be read by others: CODELUPE_DB or PGPASSWORD keeps it");
    }
}

/// What a config file says.
#[derive(Default)]
struct File {
    config: Config,
    train: TrainConfig,
    alerts: AlertSettings,
    store: StoreSettings,
}

fn read(path: &Path) -> Result<File> {
    let failure = |code, what: &str| Failure::new(code, format!("the config file `{}` {what}", path.display()));
    let invalid = || failure(ErrorCode::Validation, "is not valid");
    let text = std::fs::read_to_string(path).with_context(|| failure(ErrorCode::NotFound, "cannot be read"))?;
    let mut table: Table = text
        .parse()
        .map_err(|error| syntax_error(&text, &error))
        .with_context(invalid)?;
    renamed::refuse(&table).with_context(invalid)?;
    let alerts = table
        .remove("alerts")
        .map_or(Ok(AlertSettings::default()), AlertSettings::read)
        .with_context(invalid)?;
    let train: TrainConfig = table
        .remove("train")
        .map_or(Ok(TrainConfig::default()), Value::try_into)
        .with_context(invalid)?;
    train.validate().with_context(invalid)?;
    let store: StoreSettings = table
        .remove("store")
        .map_or(Ok(StoreSettings::default()), Value::try_into)
        .with_context(invalid)?;
    let config: Config = table.try_into().with_context(invalid)?;
    config.validate().with_context(invalid)?;
    Ok(File {
        config,
        train,
        alerts,
        store,
    })
}

/// What is wrong and where, without the line itself, which may hold the webhook's address.
fn syntax_error(text: &str, error: &toml::de::Error) -> Failure {
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    Failure::new(ErrorCode::Validation, format!("line {line}: {}", error.message()))
}
