//! The commands about the catalogue's schema.

use std::path::PathBuf;

use clap::{Args, Subcommand};

pub(super) const EXAMPLES: &str = "\
Examples:
  codelupe db status
  codelupe --db postgres://lupe@db/lupe db migrate
  codelupe db rollback --to 2";

#[derive(Debug, Subcommand)]
pub(crate) enum DbCommand {
    /// Apply the migrations that are pending; safe to start on many machines at once.
    Migrate(MigrateArguments),
    /// Undo migrations, after saying what is lost by that.
    Rollback(RollbackArguments),
    /// List every migration and whether it is applied.
    Status,
    /// Write the files of a new migration, up and down, for both dialects.
    New(NewArguments),
    /// Fill the catalogue with a few made-up repositories, by the same stages as real ones.
    Seed,
    /// Check schema, database, segments and funnel.
    Verify,
}

#[derive(Debug, Args)]
pub(crate) struct MigrateArguments {
    /// Go no further than this migration.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) to: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArguments {
    /// Go back to this migration; 0 empties the database. Without it, one step back.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..))]
    pub(crate) to: Option<i64>,
    /// Do not ask, and accept what is lost.
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// What it does, such as `add_stars_to_repositories`.
    pub(crate) name: String,
    /// The folder of migrations, with one folder for each dialect.
    #[arg(long, value_name = "FOLDER", default_value = "crates/catalogue/migrations")]
    pub(crate) folder: PathBuf,
}
