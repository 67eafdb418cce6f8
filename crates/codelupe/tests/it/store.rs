//! Segments and builds in a bucket of a real S3 server.

mod models;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use codelupe_testkit::postgres;
use codelupe_testkit::s3::S3;
use serde_json::Value;
use tempfile::TempDir;

use crate::barred::{Barred, wait_until};
use crate::fixture::{Bench, assert_adds_up, command, crates, splits, text};

/// Where the store of these tests is.
const STORE: &str = "s3://corpus/team/rust";

/// Some crates as sources of a run.
fn arguments(command: &str, count: usize) -> Vec<String> {
    let sources = crates(count).into_iter().map(|path| format!("repo:{}", path.display()));
    std::iter::once(command.to_owned()).chain(sources).collect()
}

/// A bucket that two machines share, each with a data folder of its own.
struct Cloud {
    s3: S3,
    bucket: PathBuf,
    root: TempDir,
    db: Option<String>,
}

impl Cloud {
    /// Each machine with its own catalogue in a file.
    fn new() -> Self {
        let s3 = S3::start();
        let bucket = s3.bucket("corpus").join("team/rust");
        Self {
            s3,
            bucket,
            root: tempfile::tempdir().unwrap(),
            db: None,
        }
    }

    /// Both with one catalogue in PostgreSQL.
    fn on_postgres() -> Self {
        Self {
            db: Some(postgres::shared().database()),
            ..Self::new()
        }
    }

    fn data(&self, machine: usize) -> PathBuf {
        self.root.path().join(format!("machine-{machine}"))
    }

    fn command(&self, machine: usize, arguments: &[&str]) -> Command {
        let mut command = command(&self.data(machine), arguments);
        command
            .envs(self.db.iter().map(|url| ("CODELUPE_DB", url)))
            .env("CODELUPE_STORE", STORE)
            .env("AWS_ENDPOINT_URL", self.s3.endpoint())
            .env("AWS_ALLOW_HTTP", "true")
            .env("AWS_REGION", "eu-central-1")
            .env("AWS_ACCESS_KEY_ID", self.s3.access_key())
            .env("AWS_SECRET_ACCESS_KEY", self.s3.secret_key());
        command
    }

    fn output(&self, machine: usize, arguments: &[&str]) -> Output {
        self.command(machine, arguments).output().unwrap()
    }

    fn text(&self, machine: usize, arguments: &[&str]) -> String {
        let output = self.output(machine, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn json(&self, machine: usize, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.text(machine, &[arguments, &["--json"]].concat())).unwrap()
    }

    fn spawn(&self, machine: usize, arguments: &[&str]) -> Child {
        let mut command = self.command(machine, arguments);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The splits in the manifest of a build.
    fn splits(&self, build: &str) -> Value {
        let path = self.bucket.join("builds").join(build).join("manifest.json");
        let manifest: Value = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        manifest["splits"].clone()
    }

    fn segments(&self) -> Vec<PathBuf> {
        let listed = fs::read_dir(self.bucket.join("segments")).into_iter().flatten();
        let paths = listed.map(|entry| entry.unwrap().path());
        paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "parquet"))
            .collect()
    }
}

/// Every file below a folder, by its path from there.
fn files(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push((path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap()));
            }
        }
    }
    files.sort();
    files
}

#[test]
fn a_run_into_a_bucket_gives_the_bytes_of_one_into_a_folder() {
    let arguments = arguments("run", 40);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (bench, cloud) = (Bench::new(), Cloud::new());
    let here = bench.json(&arguments);
    let there = cloud.json(0, &arguments);
    assert_adds_up(&there["stats"]);
    let name = there["build"]["name"].as_str().unwrap();
    assert_eq!(here["build"]["name"], there["build"]["name"]);
    assert_eq!(there["build"]["folder"], format!("{STORE}/builds/{name}"));
    let folder = bench.data().join("builds").join(name);
    assert_eq!(files(&folder), files(&cloud.bucket.join("builds").join(name)));
    assert!(!cloud.data(0).join("builds").exists() && !cloud.data(0).join("segments").exists());

    // Every command that reads segments and builds reads them there.
    let again = cloud.json(0, &arguments);
    assert_eq!(
        (&again["unchanged"], &again["build"]["existed"]),
        (&again["repositories"], &true.into())
    );
    let doctor = cloud.text(0, &["doctor"]);
    assert!(doctor.lines().all(|line| line.starts_with("ok")), "{doctor}");
    assert!(
        doctor.contains(STORE) && doctor.contains("this machine alone"),
        "{doctor}"
    );
    assert!(cloud.text(0, &["db", "verify"]).contains("in order"));
    let target = cloud.root.path().join("export");
    cloud.json(0, &["export", "--format", "parquet", target.to_str().unwrap()]);
    assert_eq!(files(&target), files(&folder));
    let source = crates(1).remove(0);
    let file = format!("{}/src/lib.rs", source.file_name().unwrap().to_str().unwrap());
    assert_eq!(
        cloud.json(0, &["explain", &file])["signals"],
        bench.json(&["explain", &file])["signals"]
    );

    // Another catalogue has no business there, and nothing of it is harmed.
    let before = files(&cloud.bucket);
    let other = cloud.output(1, &arguments);
    let said = text(&other.stderr);
    assert_eq!(other.status.code(), Some(75), "{said}");
    assert!(
        said.contains(STORE) && said.contains("belongs to another catalogue"),
        "{said}"
    );
    assert_eq!(files(&cloud.bucket), before);
    let doctor = text(&cloud.output(1, &["doctor"]).stdout);
    assert!(
        doctor.contains("FAIL store") && doctor.contains("another catalogue"),
        "{doctor}"
    );

    // Nor may the same catalogue go on with another store, or with none: its corpus would be in two.
    for store in [Some("s3://corpus/elsewhere"), None] {
        let mut command = cloud.command(0, &arguments);
        match store {
            Some(store) => command.env("CODELUPE_STORE", store),
            None => command.env_remove("CODELUPE_STORE"),
        };
        let output = command.output().unwrap();
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(75), "{said}");
        assert!(said.contains("--store names another store"), "{said}");
    }
}

#[test]
fn what_a_store_refuses_is_said_with_a_hint_and_without_a_secret() {
    let cloud = Cloud::new();
    let run = |change: &dyn Fn(&mut Command), code: i32, words: &[&str]| {
        let mut command = cloud.command(0, &["dedup"]);
        change(&mut command);
        let output = command.output().unwrap();
        let said = text(&output.stderr) + &text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        let secrets = ["hush", cloud.s3.secret_key()];
        assert!(secrets.iter().all(|secret| !said.contains(secret)), "{said}");
    };
    let variable = |name: &'static str, value: &'static str| move |command: &mut Command| _ = command.env(name, value);
    let store = |url: &'static str| move |command: &mut Command| _ = command.args(["--store", url]);
    run(
        &variable("AWS_SECRET_ACCESS_KEY", "hush"),
        77,
        &[STORE, "403", "hint:", "AWS_"],
    );
    run(&variable("AWS_ENDPOINT_URL", "http://127.0.0.1:1"), 69, &[STORE]);
    run(&store("s3://nowhere"), 66, &["no bucket `nowhere`", "hint:"]);
    run(&store("s3://key:hush@corpus"), 64, &["environment"]);
    run(&store("ftp://corpus"), 64, &["s3://BUCKET/PREFIX"]);
}

fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn two_machines_one_of_them_killed_give_the_build_of_one() {
    let expected = {
        let (bench, arguments) = (Bench::new(), arguments("run", 80));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let report = bench.json(&arguments);
        (report["build"]["name"].clone(), splits(&bench, &report))
    };
    let (cloud, mut arguments) = (Cloud::on_postgres(), arguments("run", 80));
    arguments.push("--enqueue".to_owned());
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let jobs = cloud.json(0, &arguments)["jobs"].as_array().unwrap().len();
    let done = |state: &str| {
        let listed = cloud.json(0, &["jobs", "list", "--state", state, "--limit", "100"]);
        listed["jobs"].as_array().unwrap().len()
    };
    // A slow store makes it likely that the kill falls between put and link.
    cloud.s3.set_delay(Duration::from_millis(20));
    let workers = [0, 1].map(|machine| cloud.spawn(machine, &["worker", "--lease", "2"]));
    wait_until("no segment was put", || !cloud.segments().is_empty());
    let [first, second] = workers;
    kill(first);
    // It comes back while the other goes on.
    let first = cloud.spawn(0, &["worker", "--lease", "2"]);
    wait_until("the jobs are not done", || done("done") == jobs);
    kill(first);
    kill(second);
    let build = cloud.json(1, &["build"]);
    assert_eq!((&build["existed"], &build["name"]), (&true.into(), &expected.0));
    assert_eq!(cloud.splits(expected.0.as_str().unwrap()), expected.1);
    assert!(cloud.text(1, &["db", "verify"]).contains("in order"));
}

#[test]
fn killed_between_put_and_link_a_segment_is_put_and_linked_again() {
    let arguments = arguments("run", 80);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let bench = Bench::new();
    let expected = splits(&bench, &bench.json(&arguments));
    let cloud = Cloud::on_postgres();
    let run = cloud.spawn(0, &arguments);
    wait_until("no job runs", || {
        let listed = cloud.output(0, &["jobs", "list", "--state", "running", "--json"]);
        text(&listed.stdout).contains("\"running\"")
    });
    // Nothing can be linked from here on.
    let barred = Barred::start(cloud.db.as_deref().unwrap(), "segments");
    let linked: usize = barred.psql("SELECT count(*) FROM segments").trim().parse().unwrap();
    wait_until("nothing was put", || cloud.segments().len() > linked);
    kill(run);
    assert!(cloud.segments().len() > linked, "a segment was put and is not linked");
    barred.release();
    let report = cloud.json(0, &arguments);
    assert_eq!(cloud.splits(report["build"]["name"].as_str().unwrap()), expected);
    assert!(cloud.text(0, &["db", "verify"]).contains("in order"));
    assert!(
        fs::read_dir(cloud.data(0).join("tmp")).unwrap().next().is_none(),
        "nothing is left behind"
    );
}
