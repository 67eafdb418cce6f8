//! What cargo knows about the workspace, and calls of cargo.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};
use serde::Deserialize;

use crate::Selection;

/// The workspace as `cargo metadata` describes it, for the platform of this machine.
pub(crate) struct Workspace {
    pub(crate) root: PathBuf,
    pub(crate) members: Vec<Package>,
    /// Every package that some member needs, for itself, its build or its tests.
    pub(crate) others: Vec<Package>,
    /// From a package's name to those of its normal dependencies.
    pub(crate) dependencies: BTreeMap<String, BTreeSet<String>>,
}

/// One package.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Package {
    id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) targets: Vec<Target>,
    pub(crate) features: BTreeMap<String, Vec<String>>,
    /// As its manifest declares them, of every kind.
    pub(crate) dependencies: Vec<Declared>,
}

/// One dependency in a manifest.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Declared {
    pub(crate) name: String,
}

/// One target of a package.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
    workspace_members: BTreeSet<String>,
    workspace_root: PathBuf,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Dependency>,
}

#[derive(Deserialize)]
struct Dependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let platform = host_platform()?;
        let arguments = ["metadata", "--format-version", "1", "--locked", "--filter-platform"];
        let json = output(command().args(arguments).arg(platform))?;
        let metadata: Metadata = serde_json::from_str(&json).context("cargo metadata gave unexpected JSON")?;
        Ok(Self::from_metadata(metadata))
    }

    /// The members that were chosen; all without a choice.
    pub(crate) fn select(&self, selection: &Selection) -> anyhow::Result<Vec<&Package>> {
        for wanted in &selection.packages {
            let known = self.members.iter().any(|member| member.name == *wanted);
            ensure!(known, "the workspace has no crate `{wanted}`");
        }
        let all = selection.packages.is_empty();
        let chosen = self
            .members
            .iter()
            .filter(|m| all || selection.packages.contains(&m.name));
        Ok(chosen.collect())
    }

    fn from_metadata(metadata: Metadata) -> Self {
        let names: BTreeMap<&str, &str> = metadata
            .packages
            .iter()
            .map(|p| (p.id.as_str(), p.name.as_str()))
            .collect();
        let name = |id: &str| names.get(id).copied().unwrap_or(id).to_owned();
        let mut dependencies: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for node in &metadata.resolve.nodes {
            let normal = node
                .deps
                .iter()
                .filter(|d| d.dep_kinds.iter().any(|kind| kind.kind.is_none()));
            // Several versions of one package count as one.
            dependencies
                .entry(name(&node.id))
                .or_default()
                .extend(normal.map(|d| name(&d.pkg)));
        }
        let members = metadata.workspace_members;
        let (members, others) = metadata
            .packages
            .into_iter()
            .partition(|package| members.contains(&package.id));
        Self {
            root: metadata.workspace_root,
            members,
            others,
            dependencies,
        }
    }
}

impl Package {
    /// The folder of its manifest.
    pub(crate) fn folder(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(Path::new("."))
    }
}

/// The cargo that runs us.
pub(crate) fn command() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or("cargo".into()))
}

/// The arguments that choose crates.
pub(crate) fn choosing(selection: &Selection) -> Vec<String> {
    if selection.packages.is_empty() {
        return vec!["--workspace".to_owned()];
    }
    selection
        .packages
        .iter()
        .flat_map(|name| ["-p".to_owned(), name.clone()])
        .collect()
}

/// Runs a command that prints for itself.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    ensure!(status.success(), "{status}");
    Ok(())
}

/// Runs a command and gives what it printed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command
        .output()
        .with_context(|| format!("cannot start {:?}", command.get_program()))?;
    if !output.status.success() {
        bail!(
            "{:?}: {}\n{}",
            command,
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
    }
    String::from_utf8(output.stdout).context("the output is not UTF-8")
}

fn host_platform() -> anyhow::Result<String> {
    let version = output(Command::new(env::var_os("RUSTC").unwrap_or("rustc".into())).arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not name its host")?.to_owned())
}
