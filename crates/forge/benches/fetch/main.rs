//! Every blob of HEAD over HTTP from `git http-backend`, ours beside others, in CPU time of the client.
//!
//! ```sh
//! cargo build --release --manifest-path crates/forge/benches/peers/Cargo.toml
//! cargo bench -p codelupe-forge --bench fetch -- FOLDER [ROUNDS] [PEERS]
//! ```
//!
//! FOLDER holds bare repositories, `NAME.git` each; PEERS is the program of the first line, with gix and libgit2. Server and
//! clients are processes of their own; clients take turns, and the figure of a client is user and system time of its process
//! and its children (`cutime` and `cstime` of proc(5)), the median of the rounds. All clients have to deliver the same files:
//! a hash over paths and contents is compared.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench ends where its setup fails, and prints"
)]

mod files;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use codelupe_core::Verdict;
use codelupe_forge::{FetchSettings, Fetched, Fetcher, HttpSettings, Limits, Remote};
use codelupe_testkit::git_http;
use files::Files;

/// Clients of this program, by the name of their way.
const WAYS: [&str; 3] = [
    "ours",
    "git clone --depth 1, walk",
    "git clone --bare --depth 1, cat-file",
];

/// Clients of the program beside this one, and how they are called there.
const PEERS: [(&str, &str); 2] = [
    ("gix 0.90: bare, depth 1, read", "gix"),
    ("libgit2 1.9: bare, depth 1, read", "git2"),
];

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", folder] => serve(Path::new(folder)),
        ["client", way, url] => client(way.parse().unwrap(), url),
        [folder] => compare(Path::new(folder), 5, None),
        [folder, rounds] => compare(Path::new(folder), rounds.parse().unwrap(), None),
        [folder, rounds, peers] => compare(Path::new(folder), rounds.parse().unwrap(), Some(peers)),
        _ => println!("usage: fetch FOLDER [ROUNDS] [PEERS]"),
    }
}

/// Serves until its input ends.
fn serve(folder: &Path) {
    let server = git_http::serve(folder, None);
    println!("{}", server.url(""));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Gets everything once and prints what that was.
fn client(way: usize, url: &str) {
    let mut files = Files::new(Limits::default().max_blob_bytes);
    match way {
        0 => ours(url, &mut files),
        1 => clone_and_walk(url, &mut files),
        _ => clone_and_cat(url, &mut files),
    }
    files.print();
}

fn ours(url: &str, files: &mut Files) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let settings = (HttpSettings::default(), FetchSettings::default());
    let fetcher = Fetcher::new(
        &settings.0,
        &settings.1,
        Vec::new(),
        std::env::temp_dir(),
        runtime.handle().clone(),
    )
    .unwrap();
    let Fetched::Snapshot(mut snapshot) = fetcher
        .fetch(&Remote::at(url).unwrap(), &Limits::default(), None, None)
        .unwrap()
    else {
        panic!("nothing was known")
    };
    let mut buffer = Vec::new();
    for index in 0..snapshot.entries().len() {
        if snapshot.entries()[index].verdict == Verdict::Kept && snapshot.read(index, &mut buffer).is_ok() {
            files.add(&snapshot.entries()[index].path.clone(), &buffer);
        }
    }
}

fn git() -> Command {
    let mut command = Command::new("git");
    command
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    command.args([
        "-c",
        "core.symlinks=false",
        "-c",
        "gc.auto=0",
        "-c",
        "advice.detachedHead=false",
    ]);
    command
}

fn clone(url: &str, more: &[&str]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let status = git()
        .args(["clone", "--quiet", "--depth=1", "--single-branch", "--no-tags"])
        .args(more)
        .args([OsStr::new(url), folder.path().as_os_str()])
        .status();
    assert!(status.unwrap().success());
    folder
}

fn clone_and_walk(url: &str, files: &mut Files) {
    let folder = clone(url, &[]);
    // What git checks out of links with `core.symlinks=false` are plain files: they are left aside by the index.
    let listing = git()
        .current_dir(folder.path())
        .args(["ls-files", "-s", "-z"])
        .output()
        .unwrap()
        .stdout;
    for line in listing.split(|byte| *byte == 0).filter(|line| line.starts_with(b"100")) {
        let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
        let path = &line[tab + 1..];
        files.add(path, &fs::read(folder.path().join(OsStr::from_bytes(path))).unwrap());
    }
}

fn clone_and_cat(url: &str, files: &mut Files) {
    let folder = clone(url, &["--bare"]);
    let listing = git()
        .current_dir(folder.path())
        .args(["ls-tree", "-r", "-z", "HEAD"])
        .output()
        .unwrap()
        .stdout;
    let entries: Vec<(&[u8], &[u8])> = listing
        .split(|byte| *byte == 0)
        .filter(|line| line.starts_with(b"100"))
        .map(|line| {
            let tab = line.iter().position(|byte| *byte == b'\t').unwrap();
            (
                line[..tab].rsplit(|byte| *byte == b' ').next().unwrap(),
                &line[tab + 1..],
            )
        })
        .collect();
    let mut child = git()
        .current_dir(folder.path())
        .args(["cat-file", "--batch", "--buffer"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let ids: Vec<u8> = entries.iter().flat_map(|(id, _)| [id, &b"\n"[..]].concat()).collect();
    let mut stdin = child.stdin.take().unwrap();
    let writing = std::thread::spawn(move || stdin.write_all(&ids).unwrap());
    let mut output = BufReader::with_capacity(1 << 18, child.stdout.take().unwrap());
    let mut content = Vec::new();
    for (_, path) in entries {
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let size: usize = line.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
        content.resize(size + 1, 0);
        output.read_exact(&mut content).unwrap();
        files.add(path, &content[..size]);
    }
    writing.join().unwrap();
    assert!(child.wait().unwrap().success());
}

/// Clock ticks of CPU that the children waited for have used.
fn children_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[13].parse::<u64>().unwrap() + fields[14].parse::<u64>().unwrap()
}

/// A way to get the files: its name, and the command, which lacks an address.
struct Client<'a> {
    name: &'a str,
    program: &'a Path,
    before: Vec<String>,
    after: Vec<String>,
}

/// All clients, ours first.
fn clients<'a>(this: &'a Path, peers: Option<&'a str>) -> Vec<Client<'a>> {
    let max_bytes = Limits::default().max_blob_bytes.to_string();
    let own = WAYS.iter().enumerate().map(|(way, name)| Client {
        name,
        program: this,
        before: vec!["client".to_owned(), way.to_string()],
        after: Vec::new(),
    });
    let others = peers.into_iter().flat_map(|program| {
        PEERS.iter().map(|(name, way)| Client {
            name,
            program: Path::new(program),
            before: vec![(*way).to_owned()],
            after: vec![max_bytes.clone()],
        })
    });
    own.chain(others).collect()
}

impl Client<'_> {
    /// Gets everything once, and gives what it printed.
    fn run(&self, url: &str) -> String {
        let output = Command::new(self.program)
            .args(&self.before)
            .arg(url)
            .args(&self.after)
            .output()
            .unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {error}", self.name);
        String::from_utf8(output.stdout).unwrap()
    }
}

fn compare(folder: &Path, rounds: usize, peers: Option<&str>) {
    let this = std::env::current_exe().unwrap();
    let clients = clients(&this, peers);
    let mut server = Command::new(&this)
        .args([OsStr::new("serve"), folder.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut base = String::new();
    BufReader::new(server.stdout.take().unwrap())
        .read_line(&mut base)
        .unwrap();
    let mut names: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    names.sort();
    for name in names {
        let name = name.file_name().unwrap().to_str().unwrap();
        compare_one(&clients, &format!("{}/{name}", base.trim()), name, rounds);
    }
    drop(server.stdin.take());
    server.wait().unwrap();
}

fn compare_one(clients: &[Client<'_>], url: &str, name: &str, rounds: usize) {
    /// Runs of one client in a round, so that ticks of 10 ms add up to something.
    const RUNS: u64 = 5;
    let mut ticks = vec![Vec::new(); clients.len()];
    let mut said = vec![String::new(); clients.len()];
    for round in 0..rounds {
        for turn in 0..clients.len() {
            let way = (turn + round) % clients.len();
            let before = children_ticks();
            for _ in 0..RUNS {
                said[way] = clients[way].run(url);
            }
            ticks[way].push(children_ticks() - before);
        }
    }
    let facts: Vec<Vec<&str>> = said.iter().map(|line| line.split_whitespace().collect()).collect();
    assert!(
        facts.iter().all(|fact| fact[..3] == facts[0][..3]),
        "{name}: the clients differ: {facts:?}"
    );
    println!("{name}: {} files, {} bytes", facts[0][0], facts[0][1]);
    let medians: Vec<f64> = ticks
        .iter_mut()
        .map(|ticks| {
            ticks.sort_unstable();
            // A tick is 10 ms on Linux (`USER_HZ`).
            ticks[ticks.len() / 2] as f64 * 10.0 / RUNS as f64
        })
        .collect();
    for ((client, median), fact) in clients.iter().zip(&medians).zip(&facts) {
        let (times, peak) = (median / medians[0], fact[3]);
        println!("  {:38} {median:8.1} ms CPU  {times:5.1} x  {peak:>8} KiB", client.name);
    }
}
