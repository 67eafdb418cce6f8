//! Asking for a pack: the command `fetch`.

use std::io::{self, BufRead};

use super::pkt_line::{self, Packet};
use super::side_band::SideBand;
use super::{AGENT, Malformed, line};

/// The most lines before the pack: acknowledgements and shallow commits.
const MAX_LINES: usize = 10_000;

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) enum PackRequest<'a> {
    /// A commit, or the tag of one, without its history.
    Commit {
        /// Its id.
        id: [u8; 20],
        /// Which of its files.
        files: Files,
    },
    /// Some files by their ids. Version 2 of the protocol lets a client name any object (git's `upload-pack`; fetching
    /// what a partial clone left out works by it); some servers refuse it.
    Blobs(&'a [[u8; 20]]),
}

/// Which files come with a commit.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Files {
    /// All.
    All,
    /// Those up to this size in bytes. The server must be able to filter.
    UpTo(u64),
    /// None, only the folders. The server must be able to filter.
    None,
}

impl PackRequest<'_> {
    /// The request as sent. It asks for no thin pack, so that the pack is complete in itself, and for no progress.
    pub(crate) fn to_bytes(self) -> Vec<u8> {
        let mut request = Vec::new();
        pkt_line::write(&mut request, "command=fetch");
        pkt_line::write(&mut request, AGENT);
        pkt_line::write_delimiter(&mut request);
        pkt_line::write(&mut request, "no-progress");
        pkt_line::write(&mut request, "ofs-delta");
        match self {
            Self::Commit { id, files } => {
                pkt_line::write(&mut request, "deepen 1");
                match files {
                    Files::All => {}
                    Files::UpTo(bytes) => {
                        // Git leaves out those of at least the limit (git-rev-list(1), `--filter`).
                        let limit = bytes.saturating_add(1);
                        pkt_line::write(&mut request, &format!("filter blob:limit={limit}"));
                    }
                    Files::None => pkt_line::write(&mut request, "filter blob:none"),
                }
                pkt_line::write(&mut request, &format!("want {}", hex::encode(id)));
            }
            Self::Blobs(ids) => {
                for id in ids {
                    pkt_line::write(&mut request, &format!("want {}", hex::encode(id)));
                }
            }
        }
        pkt_line::write(&mut request, "done");
        pkt_line::write_flush(&mut request);
        request
    }
}

/// Reads an answer up to its pack, and returns the pack's bytes.
///
/// # Errors
/// The answer is not of the protocol, or is an error of the server.
pub(crate) fn read_to_pack<R: BufRead>(mut source: R) -> io::Result<SideBand<R>> {
    let mut payload = Vec::new();
    for _ in 0..MAX_LINES {
        match pkt_line::read(&mut source, &mut payload)? {
            Some(Packet::Data(_)) if line(&payload)? == b"packfile" => return Ok(SideBand::new(source)),
            Some(Packet::Data(_) | Packet::Delimiter) => {}
            Some(Packet::Flush | Packet::ResponseEnd) => break,
            None => return Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
    Err(Malformed::new("the answer has no pack").into())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn sections_before_the_pack_are_passed_over() {
        let answer = b"0011shallow-info\n0035shallow 1111111111111111111111111111111111111111\n0001000dpackfile\n0008\x01PAK0000";
        let mut pack = Vec::new();
        read_to_pack(&answer[..]).unwrap().read_to_end(&mut pack).unwrap();
        assert_eq!(pack, b"PAK");
    }

    #[test]
    fn an_answer_without_a_pack_is_an_error() {
        for bad in [&b"0000"[..], b"", b"0002", b"000cERR gone", b"00010001"] {
            assert!(read_to_pack(bad).is_err(), "{}", bad.escape_ascii());
        }
    }

    #[test]
    fn the_request_is_that_of_the_format() {
        let text = |request: PackRequest<'_>| String::from_utf8(request.to_bytes()).unwrap();
        let commit = |files| text(PackRequest::Commit { id: [0x11; 20], files });
        let (one, two) = ("11".repeat(20), "22".repeat(20));
        let ends = |text: &str, expected: &str| assert!(text.ends_with(expected), "{text}");
        let end = format!("0032want {one}\n0009done\n0000");
        ends(&commit(Files::All), &format!("000eofs-delta\n000ddeepen 1\n{end}"));
        ends(
            &commit(Files::UpTo(8)),
            &format!("deepen 1\n0018filter blob:limit=9\n{end}"),
        );
        ends(&commit(Files::None), &format!("deepen 1\n0015filter blob:none\n{end}"));
        let blobs = text(PackRequest::Blobs(&[[0x22; 20], [0x11; 20]]));
        ends(&blobs, &format!("000eofs-delta\n0032want {two}\n{end}"));
    }
}
