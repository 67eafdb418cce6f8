//! Old servers that send without end, lie, or keep silent.

use std::io::{Result as IoResult, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use codelupe_forge::ErrorKind;
use codelupe_testkit::http::{Server, respond, respond_head};

use super::{Bench, answer_as_of_old, parts, with_history};
use crate::fixture::{Bare, git_word};

const RESULT: (&str, &str) = ("content-type", "application/x-git-upload-pack-result");

/// A server that is well-behaved until it is asked for a pack.
fn turning(
    bare: &Bare,
    answer: impl Fn(&str, &mut TcpStream) -> IoResult<()> + Send + Sync + 'static,
) -> (Server, String) {
    let (parent, name) = parts(bare.path());
    let head = git_word(bare.path(), &["rev-parse", "HEAD"], b"");
    let server = Server::start(move |request, stream| match request.method.as_str() {
        "GET" => answer_as_of_old(&parent, false, request, stream),
        // Git asks where the history is cut off first.
        _ if !request.body.ends_with(b"0009done\n") => {
            respond_head(stream, 200, &[RESULT])?;
            stream.write_all(format!("0034shallow {head}0000").as_bytes())
        }
        _ => answer(&head, stream),
    });
    let url = server.url(&name);
    (server, url)
}

/// Begins a pack of the one commit `head`.
fn begin_pack(head: &str, stream: &mut TcpStream) -> IoResult<()> {
    respond_head(stream, 200, &[RESULT])?;
    stream.write_all(format!("0034shallow {head}00000008NAK\n").as_bytes())
}

/// Bytes in side-band `band`, 9,004 a packet.
fn in_band(band: u8, bytes: &[u8]) -> Vec<u8> {
    let packet = |piece: &[u8]| [format!("{:04x}", piece.len() + 5).as_bytes(), &[band], piece].concat();
    bytes.chunks(9_000).map(packet).collect::<Vec<_>>().concat()
}

#[test]
fn a_server_that_sends_without_end_is_left() {
    let bare = with_history();
    let mut bench = Bench::new();
    bench.settings.max_pack_bytes = 8 << 20;
    let (_server, url) = turning(&bare, |head, stream| {
        begin_pack(head, stream)?;
        // One blob of 2^41 bytes, in pieces of zlib that are not compressed.
        let blob = [0xb0, 0x80, 0x80, 0x80, 0x80, 0x80, 0x04];
        stream.write_all(&in_band(
            1,
            &[&b"PACK\0\0\0\x02\0\0\0\x01"[..], &blob, b"\x78\x01"].concat(),
        ))?;
        let piece = in_band(1, &[&b"\0\xff\xff\0\0"[..], &vec![b'x'; 65_535]].concat());
        loop {
            stream.write_all(&piece)?;
        }
    });
    let error = bench.error(&url);
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    let (_server, url) = turning(&bare, |head, stream| {
        begin_pack(head, stream)?;
        let words = in_band(2, &b"\x1b]0;owned\x07 still counting\n".repeat(1000));
        loop {
            stream.write_all(&words)?;
        }
    });
    let error = bench.error(&url);
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
}

#[test]
fn a_server_that_never_answers_is_left_in_time() {
    let bare = with_history();
    let mut bench = Bench::new();
    bench.settings.max_seconds = 2;
    let (_server, url) = turning(&bare, |_, _| {
        std::thread::sleep(Duration::from_secs(20));
        Ok(())
    });
    let start = Instant::now();
    assert_eq!(bench.error(&url).kind(), ErrorKind::Timeout);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
}

#[test]
fn a_delta_that_makes_too_much_takes_bounded_memory() {
    let bare = with_history();
    let bench = Bench::new();
    let (_server, url) = turning(&bare, |head, stream| {
        begin_pack(head, stream)?;
        let mut pack = b"PACK\0\0\0\x02\0\0\0\x02".to_vec();
        // A blob of one byte, and a delta to it that states 2^40 bytes.
        pack.push(0x31);
        pack.extend_from_slice(&zlib(b"x"));
        let delta = [&[1][..], &[0x80, 0x80, 0x80, 0x80, 0x80, 0x20], &[0x90, 0x01]].concat();
        let offset = u8::try_from(pack.len() - 12).unwrap();
        pack.extend_from_slice(&[0x60 | u8::try_from(delta.len()).unwrap(), offset]);
        pack.extend_from_slice(&zlib(&delta));
        let sum = <sha1::Sha1 as sha1::Digest>::digest(&pack);
        pack.extend_from_slice(&sum);
        stream.write_all(&[in_band(1, &pack), b"0000".to_vec()].concat())
    });
    let error = bench.error(&url);
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

#[test]
fn git_is_not_asked_about_what_is_no_old_server() {
    let bench = Bench::new();
    let kind_of = |body: &'static [u8]| {
        let server = Server::start(move |_, stream| respond(stream, 200, &[], body));
        let error = bench.error(&server.url("/a/b"));
        assert!(!error.to_string().contains('\x1b'), "{error}");
        (error.kind(), server.requests().len())
    };
    for body in [
        &b"<!DOCTYPE html><title>Maintenance</title>"[..],
        b"",
        b"0000",
        b"ref: refs/heads/main\n",
    ] {
        assert_eq!(kind_of(body), (ErrorKind::Unsupported, 2), "{}", body.escape_ascii());
    }
    // One that says that it is old and then says nonsense.
    let (kind, requests) = kind_of(b"001e# service=git-upload-pack\n0000000bzzz\x1b]0;0000");
    assert!(kind == ErrorKind::Unsupported && requests > 2, "{kind:?} {requests}");
}
