//! `cargo xtask check`.

use anyhow::ensure;
use clap::Args;

use crate::cargo::{Workspace, choosing, command, run as run_command};
use crate::steps::{Step, none_of, run_all};
use crate::{Selection, circles, commits, layering, licenses, migrations, sizes, spelling};

/// What to check and whether to repair.
#[derive(Args, Debug)]
pub(crate) struct Options {
    #[command(flatten)]
    selection: Selection,
    /// Repairs what rustfmt and clippy can repair, and adds new migrations to their checksums, instead of reporting it.
    #[arg(long)]
    fix: bool,
    /// Only this step; may be given several times.
    #[arg(long, value_name = "STEP")]
    only: Vec<String>,
}

/// Runs the steps, the quick ones first.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> anyhow::Result<()> {
    let members = workspace.select(&options.selection)?;
    let root = workspace.root.as_path();
    let mut steps = vec![
        cargo_step("fmt", &fmt_arguments(options), &[]),
        Step::of_check("spelling", move || none_of(&spelling::check(root)?)),
        Step::of_check("sizes", {
            let members = members.clone();
            move || none_of(&sizes::check(root, &members)?)
        }),
        Step::of_check("circles", {
            let members = members.clone();
            move || none_of(&circles::check(root, &members)?)
        }),
        Step::of_check("layering", move || none_of(&layering::check(workspace, &members)?)),
        Step::of_check("licenses", move || none_of(&licenses::check(workspace)?)),
        Step::of_check("migrations", move || none_of(&migrations::check(root, options.fix)?)),
        Step::of_check("commits", move || none_of(&commits::check(root)?)),
        cargo_step("clippy", &clippy_arguments(options), &[]),
        cargo_step("doc", &doc_arguments(options), &[("RUSTDOCFLAGS", "-D warnings")]),
    ];
    let names: Vec<&str> = steps.iter().map(|step| step.name).collect();
    for wanted in &options.only {
        let known = names.contains(&wanted.as_str());
        ensure!(known, "no step `{wanted}`: expected one of {}", names.join(", "));
    }
    steps.retain(|step| options.only.is_empty() || options.only.iter().any(|wanted| wanted == step.name));
    run_all(steps)
}

fn fmt_arguments(options: &Options) -> Vec<String> {
    let chosen = &options.selection;
    let mut arguments = vec!["fmt".to_owned()];
    match chosen.packages.is_empty() {
        true => arguments.push("--all".to_owned()),
        false => arguments.extend(choosing(chosen)),
    }
    if !options.fix {
        arguments.push("--check".to_owned());
    }
    arguments
}

fn clippy_arguments(options: &Options) -> Vec<String> {
    let mut arguments = vec!["clippy".to_owned()];
    arguments.extend(choosing(&options.selection));
    arguments.extend(["--all-targets", "--locked"].map(str::to_owned));
    if options.fix {
        arguments.extend(["--fix", "--allow-dirty", "--allow-staged"].map(str::to_owned));
    }
    arguments.extend(["--", "-D", "warnings"].map(str::to_owned));
    arguments
}

fn doc_arguments(options: &Options) -> Vec<String> {
    let mut arguments = vec!["doc".to_owned()];
    arguments.extend(choosing(&options.selection));
    arguments.extend(["--no-deps", "--locked"].map(str::to_owned));
    arguments
}

/// A step that is one call of cargo.
fn cargo_step(name: &'static str, arguments: &[String], environment: &[(&'static str, &'static str)]) -> Step<'static> {
    let set: String = environment
        .iter()
        .map(|(name, value)| format!("{name}='{value}' "))
        .collect();
    let mut call = command();
    call.args(arguments).envs(environment.iter().copied());
    Step {
        name,
        repeat: format!("{set}cargo {}", arguments.join(" ")),
        run: Box::new(move || run_command(&mut call)),
    }
}
