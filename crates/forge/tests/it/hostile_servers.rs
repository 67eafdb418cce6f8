//! Servers that lie, stall, lead elsewhere or send too much: each costs bounded time and memory and ends in its kind.

use std::io::{Result, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use codelupe_forge::{ErrorKind, FetchSettings, Fetched, HttpSettings, Limits, Remote, Token, Url};
use codelupe_testkit::http::{Request, Server, respond, respond_head};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::fetching::{error_of, fetch, fetcher_with};

/// One packet line.
fn packet(payload: &[u8]) -> Vec<u8> {
    [format!("{:04x}", payload.len() + 4).as_bytes(), payload].concat()
}

/// What a server of version 2 says of itself.
fn capabilities() -> Vec<u8> {
    let lines = [
        &b"version 2\n"[..],
        b"ls-refs=unborn\n",
        b"fetch=shallow filter\n",
        b"object-format=sha1\n",
    ];
    let mut answer: Vec<u8> = lines.iter().flat_map(|line| packet(line)).collect();
    answer.extend_from_slice(b"0000");
    answer
}

fn head() -> Vec<u8> {
    [
        packet(format!("{} HEAD\n", "11".repeat(20)).as_bytes()),
        b"0000".to_vec(),
    ]
    .concat()
}

/// A server that is honest until it is asked for the pack, which `pack` writes.
fn with_pack(pack: impl Fn(&mut TcpStream) -> Result<()> + Send + Sync + 'static) -> Server {
    Server::start(move |request, stream| match () {
        () if request.method == "GET" => respond(stream, 200, &[], &capabilities()),
        () if request.body.windows(7).any(|window| window == b"ls-refs") => respond(stream, 200, &[], &head()),
        () => {
            respond_head(stream, 200, &[])?;
            pack(stream)
        }
    })
}

fn kind_of(server: &Server) -> ErrorKind {
    error_of(fetch(&server.url("/owner/name.git"))).kind()
}

fn answering(answer: impl Fn(&Request, &mut TcpStream) -> Result<()> + Send + Sync + 'static) -> ErrorKind {
    kind_of(&Server::start(answer))
}

#[test]
fn every_status_has_its_kind() {
    for (status, kind) in [
        (401, ErrorKind::Auth),
        (403, ErrorKind::Refused),
        (404, ErrorKind::Gone),
        (410, ErrorKind::Gone),
        (429, ErrorKind::RateLimited),
        (451, ErrorKind::TakenDown),
        (418, ErrorKind::Protocol),
        (500, ErrorKind::Server),
        (503, ErrorKind::Server),
    ] {
        assert_eq!(
            answering(move |_, stream| respond(stream, status, &[], b"<html>")),
            kind,
            "{status}"
        );
    }
    let server = Server::start(|_, stream| respond(stream, 429, &[("retry-after", "7")], b""));
    let error = error_of(fetch(&server.url("/a/b")));
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
}

#[test]
fn answers_that_are_not_of_the_protocol() {
    let said = |body: &'static [u8]| answering(move |_, stream| respond(stream, 200, &[], body));
    assert_eq!(
        said(b"<!DOCTYPE html><title>Maintenance</title>"),
        ErrorKind::Unsupported
    );
    assert_eq!(said(b"ref: refs/heads/main\n"), ErrorKind::Unsupported);
    let old = b"001e# service=git-upload-pack\n00000032aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HEAD\n0000";
    assert_eq!(said(old), ErrorKind::Unsupported);
    assert_eq!(said(b"000eversion 2\n"), ErrorKind::Protocol);
    assert_eq!(said(b"000eversion 2\nfff9"), ErrorKind::Protocol);
    assert_eq!(said(b"0015ERR \x1b[31mgo away!"), ErrorKind::Refused);
    let closed = answering(|_, _| Ok(()));
    assert_eq!(closed, ErrorKind::Network);
}

#[test]
fn packs_that_break_off_lie_or_talk() {
    let sent = |bytes: Vec<u8>| kind_of(&with_pack(move |stream| stream.write_all(&bytes)));
    let start = packet(b"packfile\n");
    let with = |rest: &[u8]| sent([&start[..], rest].concat());
    assert_eq!(with(b""), ErrorKind::Network);
    assert_eq!(with(&packet(b"\x01PACK\0\0\0\x02")), ErrorKind::Network);
    assert_eq!(
        with(&[packet(b"\x01KCAP\0\0\0\x02"), b"0000".to_vec()].concat()),
        ErrorKind::Corrupt
    );
    assert_eq!(with(&packet(b"\x03\x1b]0;owned\x07no")), ErrorKind::Refused);
    assert_eq!(with(&packet(b"\x07x")), ErrorKind::Protocol);
    assert_eq!(with(b"0001"), ErrorKind::Protocol);
    assert_eq!(with(b"fff5"), ErrorKind::Protocol);
    assert_eq!(sent(b"0000".to_vec()), ErrorKind::Protocol);
    let error = error_of(fetch(
        &with_pack(move |stream| {
            let start = packet(b"packfile\n");
            stream.write_all(&[start, packet(b"\x03\x1b]0;owned\x07no")].concat())
        })
        .url("/a/b"),
    ));
    let text = format!(
        "{error} {:?}",
        std::error::Error::source(&error).map(ToString::to_string)
    );
    assert!(!text.contains('\x1b') && text.contains("owned"), "{text}");
    // An empty pack lacks the commit that HEAD names.
    let mut empty = b"\x01PACK\0\0\0\x02\0\0\0\0".to_vec();
    empty.extend_from_slice(&<sha1::Sha1 as sha1::Digest>::digest(&empty[1..]));
    assert_eq!(with(&[packet(&empty), b"0000".to_vec()].concat()), ErrorKind::Corrupt);
}

#[test]
fn redirects_lead_nowhere_else_and_a_token_stays_at_home() {
    let elsewhere = Server::start(|_, stream| respond(stream, 200, &[], b""));
    let other = elsewhere.url("/stolen");
    for location in [
        other.clone(),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "//other.example/x".to_owned(),
    ] {
        let server = Server::start(move |_, stream| respond(stream, 302, &[("location", &location)], b""));
        let token = Token::new("SECRET", &Url::parse(&server.url("/")).unwrap()).unwrap();
        let fetcher = fetcher_with(&HttpSettings::default(), &FetchSettings::default(), vec![token]);
        let remote = Remote::at(&server.url("/a/b")).unwrap();
        let error = fetcher.fetch(&remote, &Limits::default(), None, None).err().unwrap();
        assert_eq!(error.kind(), ErrorKind::Redirect, "{error}");
    }
    assert!(elsewhere.requests().is_empty(), "nobody was sent there");
    let looped = answering(|request, stream| respond(stream, 302, &[("location", &request.target)], b""));
    assert_eq!(looped, ErrorKind::Redirect);
}

#[test]
fn a_rename_is_followed_within_its_host() {
    let server = Server::start(|request, stream| match request.path() {
        path if path.starts_with("/old/") => respond(
            stream,
            301,
            &[("location", &request.target.replace("/old/", "/new/"))],
            b"",
        ),
        _ if request.method == "GET" => respond(stream, 200, &[], &capabilities()),
        _ => respond(stream, 200, &[], b"0000"),
    });
    let snapshot = fetch(&server.url("/old/name")).unwrap();
    assert!(snapshot.entries().is_empty());
    let asked: Vec<String> = server
        .requests()
        .iter()
        .map(|request| request.path().to_owned())
        .collect();
    assert_eq!(
        asked,
        [
            "/old/name/info/refs",
            "/new/name/info/refs",
            "/new/name/git-upload-pack"
        ]
    );
}

#[test]
fn a_small_answer_that_unpacks_to_much_ends_at_its_limit() {
    let mut packed = GzEncoder::new(Vec::new(), Compression::best());
    packed.write_all(&vec![b' '; 200 << 20]).unwrap();
    let packed = packed.finish().unwrap();
    assert!(packed.len() < 1 << 20);
    let kind = answering(move |_, stream| respond(stream, 200, &[("content-encoding", "gzip")], &packed));
    assert_eq!(kind, ErrorKind::TooLarge);
    let endless = answering(|_, stream| {
        respond_head(stream, 200, &[])?;
        loop {
            stream.write_all(&[b'0'; 4096])?;
        }
    });
    assert!(
        matches!(endless, ErrorKind::TooLarge | ErrorKind::Unsupported),
        "{endless:?}"
    );
}

#[test]
fn silence_and_endless_nothing_end_in_time() {
    let silent = HttpSettings {
        silent_seconds: 1,
        ..HttpSettings::default()
    };
    let start = Instant::now();
    let kind = |server: &Server, settings: &FetchSettings| {
        let remote = Remote::at(&server.url("/a/b")).unwrap();
        let fetched = fetcher_with(&silent, settings, Vec::new()).fetch(&remote, &Limits::default(), None, None);
        fetched
            .map(|fetched| matches!(fetched, Fetched::Unchanged))
            .unwrap_err()
            .kind()
    };
    let server = with_pack(|stream| {
        stream.write_all(&packet(b"packfile\n"))?;
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    assert_eq!(kind(&server, &FetchSettings::default()), ErrorKind::Timeout);
    let short = FetchSettings {
        max_seconds: 2,
        ..FetchSettings::default()
    };
    let dripping = with_pack(|stream| {
        stream.write_all(&packet(b"packfile\n"))?;
        loop {
            stream.write_all(&packet(b"\x02still counting"))?;
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    assert_eq!(kind(&dripping, &short), ErrorKind::Timeout);
    assert!(
        start.elapsed() < Duration::from_mins(1),
        "it took {:?}",
        start.elapsed()
    );
}

#[test]
fn a_head_that_names_no_object_and_one_that_is_none() {
    let with_head = |line: &'static [u8]| {
        answering(move |request, stream| match request.method.as_str() {
            "GET" => respond(stream, 200, &[], &capabilities()),
            _ => respond(stream, 200, &[], &[packet(line), b"0000".to_vec()].concat()),
        })
    };
    assert_eq!(with_head(b"zz HEAD\n"), ErrorKind::Protocol);
    assert_eq!(with_head(b"ERR upload-pack: not our ref\n"), ErrorKind::Refused);
}
