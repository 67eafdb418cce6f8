//! Data folders, repositories and the program itself, each test its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use codelupe_testkit::postgres;
use serde_json::Value;
use tempfile::TempDir;

/// A private folder with a data folder and sources in it.
pub(crate) struct Bench {
    root: TempDir,
    db: Option<String>,
}

impl Bench {
    pub(crate) fn new() -> Self {
        Self {
            root: tempfile::tempdir().unwrap(),
            db: None,
        }
    }

    /// With the catalogue in a fresh database of a real PostgreSQL server.
    pub(crate) fn on_postgres() -> Self {
        Self {
            db: Some(postgres::shared().database()),
            ..Self::new()
        }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.root().join("data")
    }

    pub(crate) fn sources(&self) -> PathBuf {
        self.root().join("sources")
    }

    /// The program on this bench's data folder.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(&self.data(), arguments);
        command.envs(self.db.iter().map(|url| ("CODELUPE_DB", url)));
        command
    }

    pub(crate) fn spawn(&self, arguments: &[&str]) -> Child {
        self.command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    pub(crate) fn output(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Runs a command that must succeed, and parses its JSON.
    pub(crate) fn json(&self, arguments: &[&str]) -> Value {
        let output = self.output(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Runs a command that must succeed, and gives what it printed.
    pub(crate) fn text(&self, arguments: &[&str]) -> String {
        let output = self.output(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    /// Runs the whole way over this bench's sources.
    pub(crate) fn run(&self) -> Value {
        self.json(&["run", &format!("repos:{}", self.sources().display())])
    }

    /// A plain folder repository with an MIT license and some of this project's own files.
    pub(crate) fn folder_repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = self.sources().join(name);
        write(&root, "LICENSE", MIT.as_bytes());
        for (path, content) in files {
            write(&root, path, content.as_bytes());
        }
        root
    }

    /// The same as a git repository with one commit; the work tree is emptied, so that only the object database has it.
    pub(crate) fn git_repository(&self, name: &str, files: &[(&str, &str)]) -> PathBuf {
        let root = self.folder_repository(name, files);
        git(&root, &["init", "--quiet", "--initial-branch=main"]);
        git(&root, &["add", "--all"]);
        git(&root, &["commit", "--quiet", "--message", "one"]);
        for entry in fs::read_dir(&root).unwrap().map(Result::unwrap) {
            if entry.file_name() != ".git" {
                remove(&entry.path());
            }
        }
        root
    }
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else {
        fs::remove_file(path).unwrap();
    }
}

/// The program on a data folder; its environment holds no settings of whoever runs the tests.
pub(crate) fn command(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_codelupe"));
    command
        .env_remove("CODELUPE_CONFIG")
        .env_remove("CODELUPE_DB")
        .env_remove("CODELUPE_METRICS")
        .env_remove("CODELUPE_MIGRATE")
        .env_remove("CODELUPE_ALERT_WEBHOOK")
        .env_remove("CODELUPE_GITHUB_TOKEN")
        .env_remove("CODELUPE_GITLAB_TOKEN")
        .env_remove("CODELUPE_CODEBERG_TOKEN")
        .env_remove("CODELUPE_TOKENS_FILE")
        .env_remove("CODELUPE_STORE")
        .env_remove("RUST_LOG")
        .env("CODELUPE_DATA", data)
        .args(arguments);
    command
}

/// Git without the configuration of whoever runs the tests.
pub(crate) fn git(folder: &Path, arguments: &[&str]) {
    let status = Command::new("git")
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Test")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "test@example.com")))
        .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), "2026-01-02T03:04:05Z")))
        .args(arguments)
        .status()
        .unwrap();
    assert!(status.success(), "git {arguments:?}");
}

pub(crate) fn write(root: &Path, path: &str, content: &[u8]) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A file of this workspace: real code that processing keeps.
pub(crate) fn real_code(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The unpacked crates that this very test was built from, in order of name: real repositories on every machine.
pub(crate) fn crates(count: usize) -> Vec<PathBuf> {
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.unwrap_or_else(|| std::env::home_dir().unwrap().join(".cargo"));
    let list = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    let registries = list(&home.join("registry/src"));
    let mut crates = registries
        .iter()
        .map(|registry| list(registry))
        .max_by_key(Vec::len)
        .unwrap();
    crates.sort();
    crates.truncate(count);
    assert_eq!(crates.len(), count, "cargo's home holds too few crates");
    crates
}

/// The splits in the manifest of a run's build: counts, and the hash of every shard.
pub(crate) fn splits(bench: &Bench, report: &Value) -> Value {
    let folder = bench
        .data()
        .join("builds")
        .join(report["build"]["name"].as_str().unwrap());
    let manifest: Value = serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    manifest["splits"].clone()
}

/// Files and reasons of the funnel in `codelupe stats --json`: found, survivors, in build, and by reason.
pub(crate) fn funnel(stats: &Value) -> (u64, u64, u64, Vec<(String, u64)>) {
    let funnel = &stats["funnel"];
    let files = |value: &Value| value["files"].as_u64().unwrap();
    let dropped = funnel["dropped"].as_array().unwrap().iter();
    let dropped = dropped
        .map(|step| (step["reason"].as_str().unwrap().to_owned(), files(step)))
        .collect();
    let in_build = funnel["splits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|split| files(&split[1]))
        .sum();
    (files(&funnel["found"]), files(&funnel["survivors"]), in_build, dropped)
}

/// Checks that every file is accounted for exactly once.
pub(crate) fn assert_adds_up(stats: &Value) {
    let (found, _, in_build, dropped) = funnel(stats);
    let lost: u64 = dropped.iter().map(|(_, files)| files).sum();
    assert_eq!(found, in_build + lost, "{stats:#}");
    assert!(found > 0 && in_build > 0, "{stats:#}");
}

pub(crate) const MIT: &str = "MIT License\n\nCopyright (c) 2026 Somebody\n\nPermission is hereby granted, free of charge, to any person obtaining a copy\nof this software and associated documentation files (the \"Software\"), to deal\nin the Software without restriction, including without limitation the rights\nto use, copy, modify, merge, publish, distribute, sublicense, and/or sell\ncopies of the Software, and to permit persons to whom the Software is\nfurnished to do so, subject to the following conditions:\n\nThe above copyright notice and this permission notice shall be included in all\ncopies or substantial portions of the Software.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR\nIMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,\nFITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE\nAUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER\nLIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,\nOUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE\nSOFTWARE.\n";
