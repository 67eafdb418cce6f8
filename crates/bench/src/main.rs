//! `codelupe-bench`: `dedup` is near-duplicate detection on real files, against the truth and beside other libraries; `index` is
//! the LSH index with many made-up documents; `train` is the trainer, beside torch.

#![forbid(unsafe_code)]

mod cli;
mod contestant;
mod dedup;
mod failure;
mod meter;
mod output;
mod own;
mod report;
mod scale;
mod synthetic;
mod training;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, Global, IndexArguments, TrainArguments};
use crate::output::print;

/// The allocator of the program that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    install_log(&cli.global);
    match start(&cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => ExitCode::from(failure::report(&error)),
    }
}

fn start(cli: &Cli) -> anyhow::Result<()> {
    let json = cli.global.json;
    match &cli.command {
        Command::Dedup(arguments) => dedup::run(json, arguments),
        Command::Index(arguments) => index(json, arguments),
        Command::Train(arguments) => train(json, arguments),
    }
}

fn index(json: bool, arguments: &IndexArguments) -> anyhow::Result<()> {
    if arguments.single {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let point = runtime.block_on(scale::run(arguments.documents, &arguments.folder))?;
        return print(true, &point, String::new);
    }
    let points = scale::points(arguments.documents, &arguments.folder)?;
    print(json, &points, || scale::markdown(&points))
}

fn train(json: bool, arguments: &TrainArguments) -> anyhow::Result<()> {
    if !arguments.single.is_empty() {
        return print(true, &training::one(&arguments.single)?, String::new);
    }
    let report = training::run(arguments)?;
    print(json, &report, || training::markdown(&report))
}

/// Log lines on standard error. `RUST_LOG` overrides the flags.
fn install_log(global: &Global) {
    let level = match (global.quiet, global.verbose) {
        (true, _) => LevelFilter::WARN,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,sqlx::query=error,codelupe={level}")));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        .without_time()
        .init();
}
