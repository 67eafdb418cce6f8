//! Where `HEAD` is: the command `ls-refs`.

use std::io;

use super::pkt_line::{self, Packet};
use super::{AGENT, Capabilities, Malformed, line};
use crate::git::head::parse_id;

/// The most lines that are looked at. A server may answer a prefix with more than was asked for.
const MAX_LINES: usize = 10_000;

/// What a server says of `HEAD`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Head {
    /// It is this object: a commit, or a tag of one.
    At([u8; 20]),
    /// There is no commit yet.
    Unborn,
}

/// The request for `HEAD`.
pub(crate) fn head_request(capabilities: &Capabilities) -> Vec<u8> {
    let mut request = Vec::new();
    pkt_line::write(&mut request, "command=ls-refs");
    pkt_line::write(&mut request, AGENT);
    pkt_line::write_delimiter(&mut request);
    if capabilities.unborn {
        pkt_line::write(&mut request, "unborn");
    }
    pkt_line::write(&mut request, "ref-prefix HEAD");
    pkt_line::write_flush(&mut request);
    request
}

/// Reads the answer to [`head_request`]. A repository that has no `HEAD` at all counts as one without a commit.
///
/// # Errors
/// The answer is not of the protocol, or is an error of the server.
pub(crate) fn read_head(answer: &[u8]) -> io::Result<Head> {
    let (mut source, mut payload) = (answer, Vec::new());
    let mut head = Head::Unborn;
    for _ in 0..MAX_LINES {
        match pkt_line::read(&mut source, &mut payload)? {
            Some(Packet::Data(_)) => {
                let mut words = line(&payload)?.split(|byte| *byte == b' ');
                if let (Some(id), Some(b"HEAD")) = (words.next(), words.next()) {
                    head = match parse_id(id) {
                        Some(id) => Head::At(id),
                        None if id == b"unborn" => Head::Unborn,
                        None => return Err(Malformed::new("HEAD has no object id").into()),
                    };
                }
            }
            Some(Packet::Flush) => return Ok(head),
            _ => break,
        }
    }
    Err(Malformed::new("the references have no end").into())
}

#[cfg(test)]
mod tests {
    use super::super::pkt_line::{write, write_flush};
    use super::*;

    fn read(lines: &[&str]) -> io::Result<Head> {
        let mut answer = Vec::new();
        for line in lines {
            write(&mut answer, line);
        }
        write_flush(&mut answer);
        read_head(&answer)
    }

    #[test]
    fn head_is_found_wherever_it_stands() {
        let id = "11".repeat(20);
        assert_eq!(read(&[&format!("{id} HEAD")]).unwrap(), Head::At([0x11; 20]));
        let more = format!("{} HEADS", "22".repeat(20));
        let head = format!("{id} HEAD symref-target:refs/heads/main");
        assert_eq!(read(&[&more, &head]).unwrap(), Head::At([0x11; 20]));
        assert_eq!(
            read(&["unborn HEAD symref-target:refs/heads/main"]).unwrap(),
            Head::Unborn
        );
        assert_eq!(read(&[]).unwrap(), Head::Unborn);
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        assert!(read(&["xyz HEAD"]).is_err());
        assert!(read(&["ERR gone"]).is_err());
        assert!(read_head(b"").is_err());
        assert!(read_head(b"0001").is_err());
    }

    #[test]
    fn the_request_is_that_of_the_format() {
        let request = head_request(&Capabilities {
            unborn: true,
            ..Capabilities::default()
        });
        let text = String::from_utf8(request).unwrap();
        assert!(
            text.starts_with("0014command=ls-refs\n") && text.ends_with("000bunborn\n0014ref-prefix HEAD\n0000"),
            "{text}"
        );
    }
}
