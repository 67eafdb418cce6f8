//! Asking for a pack: the command `fetch`.

use std::io::{self, BufRead};

use super::pkt_line::{self, Packet};
use super::side_band::SideBand;
use super::{AGENT, Malformed, line};

/// The most lines before the pack: acknowledgements and shallow commits.
const MAX_LINES: usize = 10_000;

/// What is asked for: one commit without its history.
#[derive(Debug, Clone)]
pub(crate) struct PackRequest {
    /// The commit, or the tag of one.
    pub(crate) want: [u8; 20],
    /// A commit whose files are known already, and are left out.
    pub(crate) have: Option<[u8; 20]>,
    /// Files of more than so many bytes are left out.
    pub(crate) blob_limit: Option<u64>,
}

impl PackRequest {
    /// The request as sent. It asks for no thin pack, so that the pack is complete in itself, and for no progress.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut request = Vec::new();
        pkt_line::write(&mut request, "command=fetch");
        pkt_line::write(&mut request, AGENT);
        pkt_line::write_delimiter(&mut request);
        pkt_line::write(&mut request, "no-progress");
        pkt_line::write(&mut request, "ofs-delta");
        if let Some(have) = self.have {
            pkt_line::write(&mut request, &format!("shallow {}", hex::encode(have)));
        }
        pkt_line::write(&mut request, "deepen 1");
        if let Some(limit) = self.blob_limit {
            pkt_line::write(&mut request, &format!("filter blob:limit={limit}"));
        }
        pkt_line::write(&mut request, &format!("want {}", hex::encode(self.want)));
        if let Some(have) = self.have {
            pkt_line::write(&mut request, &format!("have {}", hex::encode(have)));
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
        let request = PackRequest {
            want: [0x11; 20],
            have: Some([0x22; 20]),
            blob_limit: Some(9),
        };
        let text = String::from_utf8(request.to_bytes()).unwrap();
        let (one, two) = ("11".repeat(20), "22".repeat(20));
        let expected = format!("deepen 1\n0018filter blob:limit=9\n0032want {one}\n0032have {two}\n0009done\n0000");
        assert!(
            text.contains(&format!("0035shallow {two}\n")) && text.ends_with(&expected),
            "{text}"
        );
    }
}
