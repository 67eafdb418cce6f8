//! Every blob of HEAD over HTTP from `git http-backend`, ours beside the git command line, in CPU time of the client.
//!
//! ```sh
//! cargo bench -p codelupe-forge --bench fetch -- FOLDER [ROUNDS]
//! ```
//!
//! FOLDER holds bare repositories, `NAME.git` each. Server and clients are processes of their own; clients take turns, and
//! the figure of a client is user and system time of its process and its children (`cutime` and `cstime` of proc(5)), the
//! median of the rounds. All clients have to deliver the same files: a hash over paths and contents is compared.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench ends where its setup fails, and prints"
)]

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use codelupe_core::Verdict;
use codelupe_forge::{FetchSettings, Fetched, Fetcher, HttpSettings, Limits, Remote};
use codelupe_testkit::git_http;
use sha1::{Digest, Sha1};

/// Clients, by the name of their way.
const WAYS: [&str; 3] = [
    "ours",
    "git clone --depth 1, walk",
    "git clone --bare --depth 1, cat-file",
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
        [folder] => compare(Path::new(folder), 5),
        [folder, rounds] => compare(Path::new(folder), rounds.parse().unwrap()),
        _ => println!("usage: fetch FOLDER [ROUNDS]"),
    }
}

/// Serves until its input ends.
fn serve(folder: &Path) {
    let server = git_http::serve(folder, None);
    println!("{}", server.url(""));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Gets everything once and prints files, bytes, hash and the peak of resident memory in KiB.
fn client(way: usize, url: &str) {
    let mut files = Files::default();
    match way {
        0 => ours(url, &mut files),
        1 => clone_and_walk(url, &mut files),
        _ => clone_and_cat(url, &mut files),
    }
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak = peak.split_whitespace().next().unwrap();
    println!("{} {} {} {peak}", files.count, files.bytes, hex::encode(files.digest()));
}

/// The files that a client delivered: regular ones, neither empty nor over the limit of a file.
#[derive(Default)]
struct Files {
    count: u64,
    bytes: u64,
    hashes: BTreeSet<[u8; 20]>,
}

impl Files {
    fn add(&mut self, path: &[u8], content: &[u8]) {
        if content.is_empty() || content.len() as u64 > Limits::default().max_blob_bytes {
            return;
        }
        self.count += 1;
        self.bytes += content.len() as u64;
        let mut hasher = Sha1::new();
        hasher.update(path);
        hasher.update(u64::from(crc32fast::hash(content)).to_le_bytes());
        hasher.update(content.len().to_le_bytes());
        self.hashes.insert(hasher.finalize().into());
    }

    fn digest(&self) -> [u8; 20] {
        let mut hasher = Sha1::new();
        self.hashes.iter().for_each(|hash| hasher.update(hash));
        hasher.finalize().into()
    }
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

fn compare(folder: &Path, rounds: usize) {
    let this = std::env::current_exe().unwrap();
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
        compare_one(&this, &format!("{}/{name}", base.trim()), name, rounds);
    }
    drop(server.stdin.take());
    server.wait().unwrap();
}

fn compare_one(this: &Path, url: &str, name: &str, rounds: usize) {
    /// Runs of one client in a round, so that ticks of 10 ms add up to something.
    const RUNS: u64 = 5;
    let mut ticks = [const { Vec::new() }; WAYS.len()];
    let mut said = [const { String::new() }; WAYS.len()];
    for round in 0..rounds {
        for turn in 0..WAYS.len() {
            let way = (turn + round) % WAYS.len();
            let before = children_ticks();
            for _ in 0..RUNS {
                let output = Command::new(this)
                    .args(["client", &way.to_string(), url])
                    .output()
                    .unwrap();
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                said[way] = String::from_utf8(output.stdout).unwrap();
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
    for (way, median) in WAYS.iter().zip(&medians) {
        let times = median / medians[0];
        println!("  {way:38} {median:8.1} ms CPU  {times:5.1} x");
    }
    println!("  memory of ours at its peak: {} KiB", facts[0][3]);
}
