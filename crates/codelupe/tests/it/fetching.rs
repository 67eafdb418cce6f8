//! Repositories elsewhere, served by git's own server, go the whole way.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::Instant;

use codelupe_testkit::git_http;
use codelupe_testkit::http::Server;
use serde_json::Value;

use crate::fixture::{Bench, assert_adds_up, git, real_code, splits, text, write};

/// Files of this project that processing keeps.
const CODE: [&str; 6] = [
    "core/src/blob.rs",
    "core/src/verdict.rs",
    "core/src/repository.rs",
    "core/src/license.rs",
    "core/src/breaker.rs",
    "core/src/language.rs",
];

/// Repositories with a file each of its own, one of all, and a license.
fn repositories(bench: &Bench, count: usize) -> Vec<String> {
    let names: Vec<String> = (0..count).map(|n| format!("r{n}")).collect();
    for (n, name) in names.iter().enumerate() {
        let own = real_code(CODE[n % CODE.len()]).replace("pub ", &format!("/* {n} */ pub "));
        bench.git_repository(
            name,
            &[("src/own.rs", &own), ("src/shared.rs", &real_code("core/src/split.rs"))],
        );
    }
    names
}

fn addresses(server: &Server, names: &[String]) -> Vec<String> {
    let addresses = names.iter().map(|name| server.url(&format!("/{name}/.git")));
    std::iter::once("run".to_owned()).chain(addresses).collect()
}

fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

fn numbers(report: &Value) -> (u64, u64, u64) {
    let number = |name: &str| report[name].as_u64().unwrap();
    (number("repositories"), number("unchanged"), number("failed"))
}

#[test]
fn they_are_fetched_once_and_again_when_they_change() {
    let bench = Bench::new();
    let names = repositories(&bench, 3);
    let server = git_http::serve(&bench.sources(), None);
    let arguments = addresses(&server, &names);
    let arguments = borrowed(&arguments);

    let report = bench.json(&arguments);
    assert_adds_up(&report["stats"]);
    assert_eq!(numbers(&report), (3, 0, 0));
    let file = format!("127.0.0.1:{}/r1/src/own.rs", server.port());
    let story = bench.json(&["explain", &file]);
    assert_eq!(story["forge"], format!("127.0.0.1:{}", server.port()), "{story:#}");

    let before = server.requests().len();
    assert_eq!(numbers(&bench.json(&arguments)), (3, 3, 0));
    assert_eq!(server.requests().len() - before, 6, "two small requests each");

    let root = bench.sources().join("r1");
    write(&root, "src/new.rs", real_code("core/src/text.rs").as_bytes());
    git(&root, &["add", "src/new.rs"]);
    git(&root, &["commit", "--quiet", "--message", "two", "--", "src/new.rs"]);
    assert_eq!(numbers(&bench.json(&arguments)), (3, 2, 0));
    let new = format!("127.0.0.1:{}/r1/src/new.rs", server.port());
    bench.json(&["explain", &new]);

    // One that is gone from its server keeps what was fetched.
    fs::rename(bench.sources().join("r2"), bench.root().join("away")).unwrap();
    let report = bench.json(&arguments);
    assert_eq!(numbers(&report), (3, 2, 1));
    bench.json(&["explain", &format!("127.0.0.1:{}/r2/src/own.rs", server.port())]);
}

#[test]
fn the_corpus_is_that_of_the_same_repositories_here() {
    let bench = Bench::new();
    let names = repositories(&bench, 4);
    let server = git_http::serve(&bench.sources(), None);
    let arguments = addresses(&server, &names);
    bench.json(&borrowed(&arguments));
    let here = Bench::new();
    for name in &names {
        fs::create_dir_all(here.sources()).unwrap();
        fs::rename(bench.sources().join(name), here.sources().join(name)).unwrap();
    }
    here.run();
    let contents = |bench: &Bench| {
        let stats = bench.json(&["stats"]);
        let funnel = &stats["funnel"];
        (
            funnel["found"].clone(),
            funnel["survivors"].clone(),
            funnel["dropped"].clone(),
        )
    };
    assert_eq!(contents(&bench), contents(&here));
}

/// What was asked for in requests for packs since the first `before`.
fn wants(server: &Server, before: usize) -> Vec<usize> {
    let requests = server.requests();
    let fetches = requests[before..].iter().filter_map(|request| {
        let body = String::from_utf8_lossy(&request.body);
        body.contains("command=fetch").then(|| body.matches("want ").count())
    });
    fetches.collect()
}

#[test]
fn an_update_brings_what_is_new_and_ends_in_the_same_corpus() {
    let bench = Bench::new();
    let files: Vec<(String, String)> = CODE.map(|path| (path.replace("core/", ""), real_code(path))).into();
    let files: Vec<(&str, &str)> = files
        .iter()
        .map(|(path, text)| (path.as_str(), text.as_str()))
        .collect();
    let root = bench.git_repository("r", &files);
    let server = git_http::serve(&bench.sources(), None);
    let arguments = addresses(&server, &["r".to_owned()]);
    let arguments = borrowed(&arguments);
    bench.json(&arguments);
    assert_eq!(wants(&server, 0), [1]);

    // One file is new, one has another name, and names count; the license is read again.
    write(&root, "src/new.rs", real_code("core/src/text.rs").as_bytes());
    git(&root, &["checkout", "--quiet", "."]);
    git(&root, &["mv", "src/blob.rs", "src/object.rs"]);
    git(&root, &["add", "--all"]);
    git(&root, &["commit", "--quiet", "--message", "two"]);
    let before = server.requests().len();
    let updated = bench.json(&arguments);
    assert_eq!(wants(&server, before), [1, 3]);
    let fresh = Bench::new();
    let whole = fresh.json(&arguments);
    assert_eq!(splits(&bench, &updated), splits(&fresh, &whole));
    assert_eq!(updated["stats"]["licenses"], whole["stats"]["licenses"]);
}

#[test]
fn killed_while_fetching_it_ends_in_the_same_corpus() {
    let bench = Bench::new();
    let names = repositories(&bench, 16);
    let server = git_http::serve(&bench.sources(), None);
    let arguments = addresses(&server, &names);
    let arguments = borrowed(&arguments);
    let other = Bench::new();
    let start = Instant::now();
    let expected = splits(&other, &other.json(&arguments));
    let took = start.elapsed();
    let mut killed = 0;
    for moment in 1..=8 {
        let mut child = bench.spawn(&arguments);
        sleep(took * moment / 9);
        killed += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert!(killed > 2, "only {killed} runs were killed");
    let report = bench.json(&arguments);
    assert_adds_up(&report["stats"]);
    assert_eq!(splits(&bench, &report), expected);
    assert_eq!(fs::read_dir(bench.data().join("tmp")).unwrap().count(), 0);
}

#[test]
fn a_token_is_used_and_left_nowhere() {
    let bench = Bench::new();
    let names = repositories(&bench, 1);
    let server = git_http::serve(&bench.sources(), Some("SECRETTOKEN"));
    let arguments = addresses(&server, &names);
    let tokens = bench.root().join("tokens");
    fs::write(&tokens, format!("{} SECRETTOKEN\n", server.url("/"))).unwrap();
    let refused = bench.output(&borrowed(&arguments));
    assert!(
        text(&refused.stderr).contains("credentials"),
        "{}",
        text(&refused.stderr)
    );
    let arguments = [borrowed(&arguments), vec!["-vv"]].concat();
    let output = bench
        .command(&arguments)
        .env("CODELUPE_TOKENS_FILE", &tokens)
        .output()
        .unwrap();
    let said = text(&output.stderr) + &text(&output.stdout);
    assert!(output.status.success(), "{said}");
    assert!(!said.contains("SECRETTOKEN") && !said.contains("eC1hY2Nlc3M"), "{said}");
    assert!(!holds(&bench.data(), b"SECRETTOKEN"));
}

fn holds(folder: &Path, needle: &[u8]) -> bool {
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .any(|path| {
            if path.is_dir() {
                holds(&path, needle)
            } else {
                fs::read(&path)
                    .unwrap()
                    .windows(needle.len())
                    .any(|window| window == needle)
            }
        })
}

#[test]
fn bad_addresses_and_servers_are_told_and_harm_no_other() {
    let bench = Bench::new();
    let names = repositories(&bench, 1);
    let server = git_http::serve(&bench.sources(), None);
    let bad = bench.output(&["run", "https://user:SECRET@example.org/a/b"]);
    assert_eq!(bad.status.code(), Some(2));
    assert!(!text(&bad.stderr).contains("SECRET"), "{}", text(&bad.stderr));
    assert_eq!(bench.output(&["run", "ssh://example.org/a"]).status.code(), Some(2));

    let closed = Server::start(|_, _| Ok(()));
    let (silent, html) = (closed.url("/a/b"), server.url("/none.git"));
    let mut arguments = addresses(&server, &names);
    arguments.extend([silent, html]);
    let report = bench.json(&borrowed(&arguments));
    assert_eq!(numbers(&report), (3, 0, 2));
    let errors = bench.text(&["errors"]);
    assert!(errors.contains("not_found") && errors.contains("network"), "{errors}");
}
