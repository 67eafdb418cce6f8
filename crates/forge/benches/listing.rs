//! Repositories listed in a minute, and what that costs in CPU time, from forges on the loopback interface.
//!
//! ```sh
//! cargo bench -p codelupe-forge --bench listing -- [REPOSITORIES] [ROUNDS]
//! ```
//!
//! The forges are a process of their own, the client is this one with a single thread. A figure is the median of the rounds;
//! CPU time is user and system time of this process (`utime` and `stime` of proc(5)). The pace is that of an instance of
//! one's own, as quick as answers come; at the end stands what the polite pace makes of it on GitHub.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench ends where its setup fails, and prints"
)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use codelupe_core::Slice;
use codelupe_forge::{
    Budget, HttpSettings, Known, Lister, Listing, Pace, Query, Refreshed, Resource, Site, SiteKind, Token,
};
use codelupe_testkit::forge::{ForgeServer, Kind, generate};
use codelupe_testkit::http::{Request, Server, respond};
use serde_json::{Value, json};

/// 2026-01-01.
const NOW: i64 = 1_767_225_600;

/// An entry of GitHub's search: the example of its description.
const ENTRY: &str = include_str!("../tests/recorded/github-search.json");

/// A tick of CPU time on Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| argument != "--bench")
        .collect();
    if let [serving, count] = arguments.as_slice()
        && serving == "serve"
    {
        return serve(count.parse().unwrap());
    }
    let numbers: Result<Vec<u64>, _> = arguments.iter().map(|argument| argument.parse()).collect();
    match numbers.as_deref() {
        Ok([]) => measure(20_000, 5),
        Ok(&[count]) if count > 0 => measure(count, 5),
        Ok(&[count, rounds]) if count > 0 && rounds > 0 => measure(count, rounds),
        _ => println!("usage: listing [REPOSITORIES] [ROUNDS]"),
    }
}

/// Serves until its input ends: a forge with so many repositories, made an hour apart, and one whose pages are as large as
/// GitHub's.
fn serve(count: u64) {
    let forge = ForgeServer::start(Kind::GitHub, generate(count, 3600));
    let entry = serde_json::from_str::<Value>(ENTRY).unwrap()["items"][0].take();
    let large = Server::start(move |request, stream| {
        let json = [("content-type", "application/json")];
        respond(stream, 200, &json, large_page(&entry, request).to_string().as_bytes())
    });
    println!("{}\n{}", forge.url(), large.url(""));
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// A page of a search that finds a thousand repositories, all like `entry`.
fn large_page(entry: &Value, request: &Request) -> Value {
    let page = request.query().rsplit('=').next().unwrap().parse::<u64>().unwrap();
    let items = (1..=100).map(|number| {
        let mut item = entry.clone();
        item["id"] = json!((page - 1) * 100 + number);
        item
    });
    json!({"total_count": 1000, "incomplete_results": false, "items": items.collect::<Vec<_>>()})
}

/// What was listed, and by how many requests.
#[derive(Debug, Clone, Copy)]
struct Listed {
    repositories: usize,
    requests: u64,
}

fn measure(count: u64, rounds: u64) {
    let mut server = Command::new(std::env::current_exe().unwrap())
        .args(["serve", &count.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let (forge, large) = (lines.next().unwrap().unwrap(), lines.next().unwrap().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    println!(
        "{:42} {:>14} {:>10} {:>18}",
        "", "repositories", "requests", "repositories/min"
    );
    let (search, everything) = (lister(&forge, Pace::Unspaced), query(&forge, "?q=repo"));
    let listed = report("search, cut into slices", rounds, || {
        runtime.block_on(walk(&search, &everything))
    });
    assert_eq!(listed.repositories as u64, count);
    report("list of an owner", rounds, || {
        runtime.block_on(walk(&search, &query(&forge, "/owner3")))
    });
    report("refresh by GraphQL", rounds, || {
        runtime.block_on(refresh(&search, count))
    });
    let thousand = lister(&large, Pace::Unspaced);
    report("search, entries as large as GitHub's", rounds, || {
        runtime.block_on(walk(&thousand, &query(&large, "?q=repo")))
    });
    runtime.block_on(polite(&forge, listed));
    drop(server.stdin.take());
    server.wait().unwrap();
}

/// Runs `list` in several rounds and prints the medians.
fn report(name: &str, rounds: u64, mut list: impl FnMut() -> Listed) -> Listed {
    /// Repositories that a round lists at least, so that ticks add up to something.
    const ROUND: usize = 40_000;
    let listed = list();
    let runs = ROUND.div_ceil(listed.repositories);
    let mut figures: Vec<(Duration, u64)> = (0..rounds)
        .map(|_| {
            let (start, before) = (Instant::now(), own_ticks());
            for _ in 0..runs {
                list();
            }
            (start.elapsed(), own_ticks() - before)
        })
        .collect();
    let median = |figures: &[(Duration, u64)]| figures[figures.len() / 2];
    figures.sort_unstable();
    let wall = median(&figures).0;
    figures.sort_unstable_by_key(|figure| figure.1);
    let cpu = TICK * u32::try_from(median(&figures).1).unwrap();
    let repositories = (listed.repositories * runs) as f64;
    println!(
        "{name:42} {:14} {:10} {:18.0} {:8.1} ms CPU per 1,000",
        listed.repositories,
        listed.requests,
        repositories * 60.0 / wall.as_secs_f64(),
        cpu.as_secs_f64() * 1_000_000.0 / repositories
    );
    listed
}

/// Prints what the polite pace allows: its spacing of searches, as many repositories a request as `listed` brought.
async fn polite(forge: &str, listed: Listed) {
    let site = Site::new(SiteKind::GitHub, forge).unwrap();
    let token = Token::new("SECRET", &site.api()).unwrap();
    let budget = Budget::new(&site, true, Pace::Polite);
    let lister = Lister::new(site, Some(token), &HttpSettings::default(), budget.clone()).unwrap();
    let start = Instant::now();
    lister.estimate(&query(forge, "?q=repo"), NOW).await.unwrap();
    let spacing = budget.wait(Resource::Search) + start.elapsed();
    let searches = 60.0 / spacing.as_secs_f64();
    let each = listed.repositories as f64 / listed.requests as f64;
    println!(
        "the polite pace with a token: {searches:.1} searches a minute, {each:.1} repositories each: {:.0} repositories/min",
        searches * each
    );
}

fn lister(url: &str, pace: Pace) -> Lister {
    let site = Site::new(SiteKind::GitHub, url).unwrap();
    let token = Token::new("SECRET", &site.api()).unwrap();
    let budget = Budget::new(&site, true, pace);
    Lister::new(site, Some(token), &HttpSettings::default(), budget).unwrap()
}

fn query(url: &str, rest: &str) -> Query {
    format!("github:{}{rest}", url.trim_start_matches("http://"))
        .parse()
        .unwrap()
}

/// Lists everything, cutting what is too full.
async fn walk(lister: &Lister, query: &Query) -> Listed {
    let mut open = vec![lister.first_slice(query, NOW).unwrap()];
    let (mut ids, mut requests) = (BTreeSet::new(), 0);
    while let Some(slice) = open.pop() {
        let mut cursor = None;
        loop {
            requests += 1;
            match lister.page(query, slice, cursor.as_deref()).await.unwrap() {
                Listing::TooMany { .. } => {
                    open.extend(Slice::halves(slice).unwrap());
                    break;
                }
                Listing::Page { repositories, next, .. } => {
                    ids.extend(repositories.iter().map(|repository| repository.id));
                    cursor = next;
                }
            }
            if cursor.is_none() {
                break;
            }
        }
    }
    Listed {
        repositories: ids.len(),
        requests,
    }
}

/// Asks for at most 2,000 known repositories again.
async fn refresh(lister: &Lister, count: u64) -> Listed {
    let known: Vec<_> = (1..=count.min(2000))
        .map(|id| Known {
            id,
            node_id: Some(format!("R_{id:08x}")),
            full_name: format!("owner{}/repo{id}", id % 7),
            etag: None,
        })
        .collect();
    let refreshed = lister.refresh(&known).await.unwrap();
    let is_changed = |(_, refreshed): &&(u64, Refreshed)| matches!(refreshed, Refreshed::Changed { .. });
    Listed {
        repositories: refreshed.iter().filter(is_changed).count(),
        requests: known.len().div_ceil(100) as u64,
    }
}

/// Clock ticks of CPU that this process has used.
fn own_ticks() -> u64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
}
