//! Which crate may depend on which (DESIGN: five levels, invariants I1 and I2).

mod sources;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::cargo::{Package, Workspace};
use crate::sizes::rust_files;

/// From a name to the names of its normal dependencies.
pub(crate) type Graph = BTreeMap<String, BTreeSet<String>>;

/// Each crate of the workspace and the crates of the workspace that it may use directly.
const LEVELS: [(&str, &[&str]); 21] = [
    ("codelupe-core", &[]),
    ("codelupe-disk", &["codelupe-core"]),
    ("codelupe-telemetry", &["codelupe-core"]),
    (
        "codelupe-forge",
        &["codelupe-core", "codelupe-disk", "codelupe-telemetry"],
    ),
    ("codelupe-process", &["codelupe-core"]),
    ("codelupe-dedup", &["codelupe-core"]),
    (
        "codelupe-catalogue",
        &["codelupe-core", "codelupe-disk", "codelupe-telemetry"],
    ),
    ("codelupe-corpus", &["codelupe-core", "codelupe-disk"]),
    (
        "codelupe-search",
        &["codelupe-core", "codelupe-disk", "codelupe-telemetry"],
    ),
    (
        "codelupe-worker",
        &[
            "codelupe-core",
            "codelupe-telemetry",
            "codelupe-catalogue",
            "codelupe-corpus",
        ],
    ),
    (
        "codelupe-inspect",
        &[
            "codelupe-core",
            "codelupe-process",
            "codelupe-dedup",
            "codelupe-catalogue",
            "codelupe-corpus",
            "codelupe-search",
        ],
    ),
    (
        "codelupe-pipeline",
        &[
            "codelupe-core",
            "codelupe-disk",
            "codelupe-worker",
            "codelupe-forge",
            "codelupe-process",
            "codelupe-dedup",
            "codelupe-catalogue",
            "codelupe-corpus",
            "codelupe-search",
            "codelupe-inspect",
        ],
    ),
    (
        "codelupe-server",
        &[
            "codelupe-core",
            "codelupe-catalogue",
            "codelupe-corpus",
            "codelupe-search",
            "codelupe-worker",
            "codelupe-inspect",
        ],
    ),
    ("codelupe-model", &["codelupe-core", "codelupe-disk"]),
    ("codelupe-samples", &["codelupe-core", "codelupe-disk"]),
    (
        "codelupe-train",
        &[
            "codelupe-core",
            "codelupe-worker",
            "codelupe-disk",
            "codelupe-catalogue",
            "codelupe-corpus",
            "codelupe-model",
            "codelupe-samples",
        ],
    ),
    (
        "codelupe-bench",
        &[
            "codelupe-components",
            "codelupe-core",
            "codelupe-dedup",
            "codelupe-model",
            "codelupe-samples",
            "codelupe-catalogue",
            "codelupe-corpus",
        ],
    ),
    (
        "codelupe",
        &[
            "codelupe-core",
            "codelupe-disk",
            "codelupe-telemetry",
            "codelupe-forge",
            "codelupe-process",
            "codelupe-dedup",
            "codelupe-catalogue",
            "codelupe-corpus",
            "codelupe-search",
            "codelupe-worker",
            "codelupe-inspect",
            "codelupe-pipeline",
            "codelupe-server",
            "codelupe-train",
            "codelupe-model",
            "codelupe-samples",
        ],
    ),
    // Every crate may have it as a dev-dependency, which is not counted here; none as a normal one.
    ("codelupe-testkit", &["codelupe-components"]),
    ("codelupe-components", &[]),
    ("xtask", &["codelupe-components"]),
];

/// Crates without I/O (I1).
const PURE: [&str; 4] = ["codelupe-core", "codelupe-process", "codelupe-dedup", "codelupe-syntax"];

/// What a pure crate must not reach, through whatever dependency: a package or its family (`gix` and `gix-odb`).
const IMPURE: [&str; 9] = [
    "tokio",
    "async-std",
    "smol",
    "mio",
    "reqwest",
    "hyper",
    "ureq",
    "sqlx",
    "gix",
];

/// Packages that a crate must not reach, through whatever dependency (I3): a server reads, and enqueues what others do.
const UNREACHED: [(&str, &str); 2] = [
    ("codelupe-server", "codelupe-forge"),
    ("codelupe-inspect", "codelupe-forge"),
];

/// Packages and families that one crate keeps to itself (I2): others reach them through it or not at all.
const OWNED: [(&str, &str); 8] = [
    ("sqlx", "codelupe-catalogue"),
    ("prometheus-client", "codelupe-telemetry"),
    ("parquet", "codelupe-corpus"),
    ("object_store", "codelupe-corpus"),
    ("redis", "codelupe-cache"),
    ("tantivy", "codelupe-search"),
    ("elasticsearch", "codelupe-search"),
    ("gix", "codelupe-forge"),
];

/// Who may use what another owns: the binary writes out what the handles of the table record.
const EXPORTING: (&str, &str) = ("codelupe", "prometheus-client");

/// Checks the chosen members of the workspace.
pub(crate) fn check(workspace: &Workspace, members: &[&Package]) -> anyhow::Result<Vec<String>> {
    let mut findings = Vec::new();
    let all: BTreeSet<&str> = workspace.members.iter().map(|member| member.name.as_str()).collect();
    for member in members {
        findings.extend(dependency_findings(&workspace.dependencies, &all, &member.name));
        for path in rust_files(&member.folder().join("src"))? {
            findings.extend(sources::check(&workspace.root, &path, &member.name)?);
        }
    }
    Ok(findings)
}

/// What is wrong with the dependencies of one member of the workspace.
fn dependency_findings(graph: &Graph, members: &BTreeSet<&str>, name: &str) -> Vec<String> {
    let Some((_, allowed)) = LEVELS.iter().find(|(level, _)| *level == name) else {
        return vec![format!(
            "{name}: not in the table of levels; add it to LEVELS in xtask/src/layering.rs"
        )];
    };
    let mut findings = Vec::new();
    for used in graph.get(name).into_iter().flatten() {
        if members.contains(used.as_str()) && !allowed.contains(&used.as_str()) {
            findings.push(format!("{name}: must not depend on {used}"));
        }
    }
    if PURE.contains(&name) {
        let reached = IMPURE.iter().filter_map(|impure| path_to(graph, name, impure, None));
        findings.extend(reached.map(|path| format!("{name}: must do no I/O but reaches {}", path.join(" -> "))));
    }
    for (_, unwanted) in UNREACHED.iter().filter(|(of, _)| *of == name) {
        if let Some(path) = path_to(graph, name, unwanted, None) {
            findings.push(format!("{name}: must not reach {unwanted}, but {}", path.join(" -> ")));
        }
    }
    for (owned, owner) in OWNED {
        if name != owner
            && (name, owned) != EXPORTING
            && let Some(path) = path_to(graph, name, owned, Some(owner))
        {
            findings.push(format!(
                "{name}: only {owner} may use {owned}, but {}",
                path.join(" -> ")
            ));
        }
    }
    findings
}

/// The shortest chain of dependencies from a package to one of the family `to` that does not lead through `avoiding`.
fn path_to(graph: &Graph, from: &str, to: &str, avoiding: Option<&str>) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(at) = queue.pop_front() {
        if is_of_family(at, to) {
            let mut path = vec![at.to_owned()];
            let mut at = at;
            while let Some(before) = came_from.get(at) {
                at = before;
                path.push(at.to_owned());
            }
            path.reverse();
            return Some(path);
        }
        for next in graph.get(at).into_iter().flatten() {
            let next = next.as_str();
            if next != from && Some(next) != avoiding && !came_from.contains_key(next) {
                came_from.insert(next, at);
                queue.push_back(next);
            }
        }
    }
    None
}

fn is_of_family(name: &str, family: &str) -> bool {
    name.strip_prefix(family)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph from lines such as `a: b c`.
    fn graph(lines: &[&str]) -> Graph {
        let line = |line: &&str| {
            let (name, used) = line.split_once(':').unwrap();
            (name.to_owned(), used.split_whitespace().map(str::to_owned).collect())
        };
        lines.iter().map(line).collect()
    }

    fn check(name: &str, lines: &[&str], expected: &[&str]) {
        let members = LEVELS.iter().map(|level| level.0).collect();
        assert_eq!(
            dependency_findings(&graph(lines), &members, name),
            expected,
            "{lines:?}"
        );
    }

    #[test]
    fn levels_are_kept() {
        check("codelupe-search", &["codelupe-search: codelupe-core tantivy"], &[]);
        check(
            "codelupe-catalogue",
            &["codelupe-catalogue: codelupe-core codelupe-pipeline codelupe-search"],
            &[
                "codelupe-catalogue: must not depend on codelupe-pipeline",
                "codelupe-catalogue: must not depend on codelupe-search",
            ],
        );
        check(
            "codelupe-catalogue",
            &["codelupe-catalogue: codelupe-testkit"],
            &["codelupe-catalogue: must not depend on codelupe-testkit"],
        );
        check(
            "codelupe-core",
            &["codelupe-core: codelupe-dedup"],
            &["codelupe-core: must not depend on codelupe-dedup"],
        );
        let unknown = "codelupe-new: not in the table of levels; add it to LEVELS in xtask/src/layering.rs";
        check("codelupe-new", &["codelupe-new:"], &[unknown]);
    }

    #[test]
    fn pure_crates_reach_no_io_however_far_away() {
        check("codelupe-process", &["codelupe-process: a", "a: b serde", "b: a"], &[]);
        check(
            "codelupe-process",
            &["codelupe-process: a", "a: b", "b: tokio a"],
            &["codelupe-process: must do no I/O but reaches codelupe-process -> a -> b -> tokio"],
        );
        check("codelupe-forge", &["codelupe-forge: tokio"], &[]);
    }

    #[test]
    fn a_server_links_no_forge() {
        let reading = [
            "codelupe-server: codelupe-inspect",
            "codelupe-inspect: codelupe-process",
        ];
        check("codelupe-server", &reading, &[]);
        let directly = ["codelupe-server: codelupe-process"];
        check(
            "codelupe-server",
            &directly,
            &["codelupe-server: must not depend on codelupe-process"],
        );
        let through = [
            "codelupe-server: codelupe-inspect",
            "codelupe-inspect: a",
            "a: codelupe-forge",
        ];
        check(
            "codelupe-server",
            &through,
            &[
                "codelupe-server: must not reach codelupe-forge, but codelupe-server -> codelupe-inspect -> a -> codelupe-forge",
            ],
        );
    }

    #[test]
    fn owned_dependencies_are_reached_through_their_owner_only() {
        let through = [
            "codelupe-pipeline: codelupe-catalogue",
            "codelupe-catalogue: sqlx",
            "sqlx: sqlx-core",
        ];
        check("codelupe-pipeline", &through, &[]);
        check("codelupe-catalogue", &through, &[]);
        check(
            "codelupe-pipeline",
            &[
                "codelupe-pipeline: codelupe-search x",
                "codelupe-search: tantivy",
                "x: tantivy",
            ],
            &["codelupe-pipeline: only codelupe-search may use tantivy, but codelupe-pipeline -> x -> tantivy"],
        );
        check(
            "codelupe-search",
            &["codelupe-search: gix-odb gixx"],
            &["codelupe-search: only codelupe-forge may use gix, but codelupe-search -> gix-odb"],
        );
        check("codelupe", &["codelupe: prometheus-client"], &[]);
        check(
            "codelupe-search",
            &["codelupe-search: prometheus-client"],
            &[
                "codelupe-search: only codelupe-telemetry may use prometheus-client, but codelupe-search -> prometheus-client",
            ],
        );
    }

    #[test]
    fn the_table_of_levels_is_at_most_six_deep_and_names_only_itself() {
        fn depth(name: &str) -> usize {
            let allowed = LEVELS.iter().find(|level| level.0 == name).unwrap().1;
            1 + allowed.iter().map(|used| depth(used)).max().unwrap_or(0)
        }
        // Five levels, and disk stands on core within the first.
        assert!(LEVELS.iter().map(|level| depth(level.0)).max() <= Some(6));
    }
}
