//! Every check, test and benchmark of the workspace, one command each: `cargo xtask --help`.

mod cargo;
mod check;
mod circles;
mod commits;
mod layering;
mod licenses;
mod migrations;
mod services;
mod sizes;
mod source;
mod spelling;
mod steps;
mod test;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::cargo::Workspace;

/// Runs the checks, tests and benchmarks of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Runs every check that CI runs; goes on after a failure and lists all failures at the end.
    Check(check::Options),
    /// Lists the real components that the tests use: found or not, version, how obtained, where. Installs nothing.
    Services {
        /// Prints the list as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Sets up the real components that the tests use, runs the tests and prints their number.
    Test {
        #[command(flatten)]
        selection: Selection,
        /// Also runs the slow tests (feature `slow` of the crates that have it) and compiles the benchmarks.
        #[arg(long)]
        all: bool,
    },
    /// Runs the benchmarks.
    Bench {
        #[command(flatten)]
        selection: Selection,
        /// Goes to the benchmarks, for example a filter.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

/// Which crates to look at.
#[derive(Args, Debug, Clone, Default)]
struct Selection {
    /// Only this crate; may be given several times. All crates without it.
    #[arg(short, long = "package", value_name = "CRATE")]
    packages: Vec<String>,
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> anyhow::Result<()> {
    let workspace = Workspace::load()?;
    match cli.command {
        Command::Check(options) => check::run(&workspace, &options),
        Command::Services { json } => services::list(&workspace, json),
        Command::Test { selection, all } => test::run(&workspace, &selection, all),
        Command::Bench { selection, arguments } => test::bench(&workspace, &selection, &arguments),
    }
}
