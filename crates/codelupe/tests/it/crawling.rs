//! From a forge's listing to a corpus, against forges that behave as their documentation says.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Instant;

use codelupe_testkit::forge::{Fault, ForgeServer, Hosted, Kind, generate};
use serde_json::Value;

use crate::fixture::{Bench, assert_adds_up, git, real_code, splits, text, write};

/// A bench whose settings name the forge.
struct Crawl {
    bench: Bench,
    forge: ForgeServer,
}

impl Crawl {
    fn new(kind: Kind, repositories: Vec<Hosted>) -> Self {
        let (bench, forge) = (Bench::new(), ForgeServer::start(kind, repositories));
        let name = match kind {
            Kind::GitHub => "github",
            Kind::GitLab => "gitlab",
            Kind::Gitea => "forgejo",
        };
        let config = format!(
            "[forges.test]\nkind = \"{name}\"\nurl = \"{}\"\npace = \"unspaced\"\n\n[selection]\nmin_stars = 0\nlicenses = [\"permissive\", \"other\", \"none\"]\n",
            forge.url()
        );
        write(bench.root(), "codelupe.toml", config.as_bytes());
        Self { bench, forge }
    }

    /// With a bare repository for each that the forge lists.
    fn with_git(self) -> Self {
        let folder = self.bench.root().join("git");
        let hosted: Vec<Hosted> = self.forge.edit(|world| world.repositories.values().cloned().collect());
        for hosted in &hosted {
            make(&self.bench, &folder, hosted);
        }
        self.forge.edit(|world| world.git = Some(folder));
        self
    }

    fn config(&self) -> String {
        self.bench.root().join("codelupe.toml").display().to_string()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.bench.json(&[arguments, &["--config", &self.config()]].concat())
    }

    fn text(&self, arguments: &[&str]) -> String {
        self.bench.text(&[arguments, &["--config", &self.config()]].concat())
    }

    fn query(&self, rest: &str) -> String {
        format!("github:{}{rest}", self.forge.host())
    }
}

/// The repository as a bare one, with a license, a file of its own and one of all.
fn make(bench: &Bench, folder: &Path, hosted: &Hosted) {
    let own = real_code("core/src/blob.rs").replace("pub ", &format!("/* {} */ pub ", hosted.id));
    let work = bench.git_repository(
        &format!("work{}", hosted.id),
        &[("src/own.rs", &own), ("src/shared.rs", &real_code("core/src/split.rs"))],
    );
    let bare = folder.join(format!("{}.git", hosted.full_name));
    fs::create_dir_all(&bare).unwrap();
    fs::rename(work.join(".git"), bare.join("x")).unwrap();
    for entry in fs::read_dir(bare.join("x")).unwrap().map(Result::unwrap) {
        fs::rename(entry.path(), bare.join(entry.file_name())).unwrap();
    }
    fs::remove_dir(bare.join("x")).unwrap();
    git(&bare, &["config", "core.bare", "true"]);
}

#[test]
fn a_query_goes_the_whole_way_to_a_corpus() {
    let crawl = Crawl::new(Kind::GitHub, generate(12, 86_400)).with_git();
    let query = crawl.query("?stars=>=0");
    let report = crawl.json(&["run", &query]);
    assert_adds_up(&report["stats"]);
    // One of the twelve is a fork.
    assert_eq!(report["repositories"], 11, "{report:#}");
    assert_eq!(report["failed"], 0);
    let expected = splits(&crawl.bench, &report);
    let again = crawl.json(&["run", &query]);
    assert_eq!(
        (&again["repositories"], &again["unchanged"]),
        (&report["repositories"], &report["repositories"])
    );
    assert_eq!(splits(&crawl.bench, &again), expected);
    let name = format!("{}/owner3/repo3", crawl.forge.host());
    let story = crawl.json(&["explain", &format!("{name}/src/own.rs")]);
    assert_eq!(story["forge"], crawl.forge.host(), "{story:#}");
}

#[test]
fn a_repository_that_is_named_is_fetched_whatever_the_rules_say() {
    let crawl = Crawl::new(Kind::GitHub, generate(10, 86_400)).with_git();
    // Number 10 is a fork.
    let report = crawl.json(&["run", &crawl.query("/owner3/repo10")]);
    assert_eq!(report["repositories"], 1, "{report:#}");
    let why = crawl.text(&["repos", "why", &format!("{}/owner3/repo10", crawl.forge.host())]);
    assert!(
        why.contains("is not fetched") && why.contains("no forks: it is a fork"),
        "{why}"
    );
    crawl.text(&[
        "repos",
        "opt-out",
        &format!("{}/owner3/repo10", crawl.forge.host()),
        "asked",
    ]);
    let query = crawl.query("/owner3/repo10");
    let output = crawl.bench.output(&["run", &query, "--config", &crawl.config()]);
    let said = text(&output.stderr);
    assert!(
        said.contains("found repositories=0") && said.contains("0 found"),
        "{said}"
    );
}

#[test]
fn an_opt_out_leaves_nothing_for_later_builds_and_is_not_got_around() {
    let crawl = Crawl::new(Kind::GitHub, generate(4, 86_400)).with_git();
    let query = crawl.query("?stars=>=0");
    crawl.json(&["run", &query]);
    let name = format!("{}/owner2/repo2", crawl.forge.host());
    let file = format!("{name}/src/own.rs");
    crawl.json(&["explain", &file]);
    let told = crawl.text(&["repos", "opt-out", &name, "asked by mail"]);
    assert!(told.contains("later builds do not have it"), "{told}");
    assert_eq!(crawl.bench.output(&["explain", &file]).status.code(), Some(66));

    let address = format!("{}/owner2/repo2.git", crawl.forge.url());
    let output = crawl.bench.output(&["run", &address, "--json"]);
    let said = text(&output.stderr);
    assert!(said.contains("its owner asked to leave it out"), "{said}");
    let report = crawl.json(&["run", &query]);
    assert_eq!(report["repositories"], 3, "{report:#}");

    // The corpus is that of somebody who never had it.
    let other = Crawl::new(Kind::GitHub, Vec::new());
    let addresses: Vec<String> = [1, 3, 4]
        .map(|n| format!("{}/owner{n}/repo{n}.git", crawl.forge.url()))
        .into();
    let arguments: Vec<&str> = std::iter::once("run")
        .chain(addresses.iter().map(String::as_str))
        .collect();
    let without = other.bench.json(&arguments);
    let figures = |report: &Value| {
        let funnel = &report["stats"]["funnel"];
        (funnel["found"].clone(), funnel["survivors"].clone())
    };
    assert_eq!(figures(&report), figures(&without));

    crawl.text(&["repos", "opt-out", &name, "--undo"]);
    let report = crawl.json(&["run", &query]);
    assert_eq!(report["repositories"], 4, "{report:#}");
    crawl.json(&["explain", &file]);
}

#[test]
fn killed_anywhere_between_listing_and_corpus_it_ends_in_the_same_one() {
    let crawl = Crawl::new(Kind::GitHub, generate(40, 86_400)).with_git();
    let query = crawl.query("?stars=>=0");
    let other = Bench::new();
    let config = crawl.config();
    let arguments = ["run", &query, "--config", &config];
    let start = Instant::now();
    let expected = splits(&other, &other.json(&arguments));
    let took = start.elapsed();
    let mut killed = 0;
    for moment in 1..=8 {
        let mut child = crawl.bench.spawn(&arguments);
        sleep(took * moment / 9);
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 2, "only {killed} runs were killed");
    let report = crawl.json(&arguments[..2]);
    assert_adds_up(&report["stats"]);
    assert_eq!(splits(&crawl.bench, &report), expected);
}

#[test]
fn a_refresh_sees_what_changed_moved_and_went() {
    let crawl = Crawl::new(Kind::GitHub, generate(250, 3600));
    let host = crawl.forge.host();
    let nothing = crawl.bench.output(&["repos", "refresh", "--config", &crawl.config()]);
    assert!(
        text(&nothing.stderr).contains("no crawl has listed"),
        "{}",
        text(&nothing.stderr)
    );
    crawl.json(&["crawl", &crawl.query("?stars=>=0")]);
    crawl.forge.edit(|world| {
        world.rename(7, "elsewhere/seven");
        world.remove(8, 451);
        if let Some(nine) = world.repositories.get_mut(&9) {
            nine.stars += 1000;
        }
    });
    let young = crawl.json(&["repos", "refresh"]);
    assert_eq!(
        (&young["listed"], &young["requests"]),
        (&Value::from(0), &Value::from(0))
    );
    let refreshed = crawl.json(&["repos", "refresh", "--older-than", "0s", "--forge", &host]);
    let number = |name: &str| refreshed["upserted"][name].as_u64().unwrap();
    assert_eq!(refreshed["listed"], 250, "{refreshed:#}");
    assert_eq!(refreshed["gone"], 1);
    assert_eq!((number("renamed"), number("new")), (1, 0));
    assert!(refreshed["requests"].as_u64().unwrap() <= 3);
    let show = |name: &str| crawl.json(&["repos", "show", &format!("{host}/{name}")]);
    assert_eq!(show("owner0/repo7")["repository"]["full_name"], "elsewhere/seven");
    assert_eq!(show("owner1/repo8")["state"], "gone_dmca");
    let list = crawl.text(&["repos", "list", "--limit", "3"]);
    assert!(list.contains("250 in the catalogue: 249 listed, 1 gone_dmca"), "{list}");
}

#[test]
fn a_crawl_past_the_cap_finds_all_and_goes_on_where_it_was_stopped() {
    let crawl = Crawl::new(Kind::GitHub, generate(2500, 3600));
    let query = crawl.query("?stars=>=0");
    let first = crawl.json(&["crawl", &query, "--limit", "700"]);
    assert!(!first["reports"][0]["done"].as_bool().unwrap(), "{first:#}");
    let rest = crawl.json(&["crawl", &query]);
    let report = &rest["reports"][0];
    assert_eq!(
        (&report["found"], &report["done"]),
        (&Value::from(2500), &Value::from(true)),
        "{rest:#}"
    );
    assert_eq!(report["incomplete"].as_array().unwrap().len(), 0);
    let listed = first["listed"].as_u64().unwrap() + rest["listed"].as_u64().unwrap();
    assert!(listed < 2600, "nothing is listed twice: {listed}");
    let repositories = crawl.json(&[
        "repos",
        "list",
        "--language",
        "Rust",
        "--order",
        "stars",
        "--limit",
        "5",
    ]);
    assert_eq!(repositories["repositories"].as_array().unwrap().len(), 5);
    let shown = crawl.json(&["repos", "show", &format!("{}/owner1/repo1", crawl.forge.host())]);
    assert_eq!(shown["repository"]["id"], 1);
    assert_eq!(shown["repository"]["raw"]["id"], 1);
}

#[test]
fn a_dry_run_asks_once_and_stores_nothing() {
    let crawl = Crawl::new(Kind::GitHub, generate(250, 3600));
    let query = crawl.query("?stars=>=0");
    let estimate = &crawl.json(&["crawl", "--dry-run", &query])["estimates"][0];
    assert_eq!(
        (&estimate["repositories"], &estimate["requests"]),
        (&Value::from(250), &Value::from(3))
    );
    assert_eq!(crawl.forge.take_requests().len(), 1);
    assert!(crawl.text(&["repos", "list"]).contains("No repositories"));
}

#[test]
fn what_a_forge_does_wrong_costs_only_itself() {
    let crawl = Crawl::new(Kind::GitHub, generate(150, 3600));
    crawl
        .forge
        .edit(|world| world.fail(&[Fault::Html, Fault::Status(502), Fault::Malformed]));
    let crawled = crawl.json(&["crawl", &crawl.query("?stars=>=0")]);
    let report = &crawled["reports"][0];
    assert_eq!(report["done"], true, "{crawled:#}");
    assert!(report["found"].as_u64().unwrap() >= 148, "{crawled:#}");
}

#[test]
fn other_forges_are_crawled_too() {
    for (kind, prefix) in [(Kind::GitLab, "gitlab"), (Kind::Gitea, "forgejo")] {
        let crawl = Crawl::new(kind, generate(120, 3600));
        let crawled = crawl.json(&["crawl", &format!("{prefix}:{}?archived=false", crawl.forge.host())]);
        let listed = crawled["reports"][0]["found"].as_u64().unwrap();
        assert!((100..=120).contains(&listed), "{prefix}: {crawled:#}");
    }
}

#[test]
fn bad_queries_and_terms_are_told() {
    let bench = Bench::new();
    let said = |arguments: &[&str]| {
        let output = bench.output(arguments);
        assert!(!output.status.success());
        text(&output.stderr)
    };
    assert!(said(&["crawl"]).contains("QUERY"));
    assert!(said(&["crawl", "github?color=red"]).contains("color"));
    write(bench.root(), "terms", b"parser\ngithub?color=red\n");
    let terms = bench.root().join("terms").display().to_string();
    assert!(said(&["crawl", "--dry-run", "--terms", &terms]).contains("line 2"));
    assert!(said(&["repos", "why", "owner/name"]).contains("HOST/owner/name"));
}
