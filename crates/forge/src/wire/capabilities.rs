//! What a server can do.

use std::io;

use super::pkt_line::{self, Packet};
use super::{Malformed, line};

/// The most capabilities that are looked at; git has some ten.
const MAX_CAPABILITIES: usize = 200;

/// What a server said that it can do.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// Whether it fetches a commit without its history.
    pub(crate) shallow: bool,
    /// Whether it can leave large files out.
    pub(crate) filter: bool,
    /// Whether it tells where a branch without a commit would be.
    pub(crate) unborn: bool,
    /// The hash that its object ids are made by; SHA-1 unless it says otherwise.
    pub(crate) hash: IdHash,
}

/// The hash that object ids are made by.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum IdHash {
    /// SHA-1.
    #[default]
    Sha1,
    /// SHA-256, or one that this program does not know.
    Other,
}

impl Capabilities {
    /// Reads the answer to [`CAPABILITIES_PATH`](super::CAPABILITIES_PATH); `None` when the server speaks an older
    /// version, or is a plain file server.
    ///
    /// # Errors
    /// The answer is not of the protocol, or is an error of the server.
    pub(crate) fn read(answer: &[u8]) -> io::Result<Option<Self>> {
        let (mut source, mut payload) = (answer, Vec::new());
        let Ok(Some(mut packet)) = pkt_line::read(&mut source, &mut payload) else {
            return Ok(None);
        };
        // `gitprotocol-http` has a line with the service and a flush before; in version 2 some servers leave it out.
        if line(&payload)? == b"# service=git-upload-pack" {
            pkt_line::read(&mut source, &mut payload)?;
            packet = pkt_line::read(&mut source, &mut payload)?.unwrap_or(Packet::Flush);
        }
        if !matches!(packet, Packet::Data(_)) || line(&payload)? != b"version 2" {
            return Ok(None);
        }
        let mut capabilities = Self::default();
        for _ in 0..MAX_CAPABILITIES {
            match pkt_line::read(&mut source, &mut payload)? {
                Some(Packet::Data(_)) => capabilities.take(line(&payload)?),
                Some(Packet::Flush) => return Ok(Some(capabilities)),
                _ => break,
            }
        }
        Err(Malformed::new("the capabilities have no end").into())
    }

    fn take(&mut self, line: &[u8]) {
        let (name, value) = match line.iter().position(|byte| *byte == b'=') {
            Some(equals) => (&line[..equals], &line[equals + 1..]),
            None => (line, &[][..]),
        };
        let has = |word: &[u8]| value.split(|byte| *byte == b' ').any(|other| other == word);
        match name {
            b"fetch" => {
                self.shallow = has(b"shallow");
                self.filter = has(b"filter");
            }
            b"ls-refs" => self.unborn = has(b"unborn"),
            b"object-format" if value != b"sha1" => self.hash = IdHash::Other,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::pkt_line::{write, write_flush};
    use super::*;

    fn answer(lines: &[&str], service: bool) -> Vec<u8> {
        let mut answer = Vec::new();
        if service {
            write(&mut answer, "# service=git-upload-pack");
            write_flush(&mut answer);
        }
        for line in lines {
            write(&mut answer, line);
        }
        write_flush(&mut answer);
        answer
    }

    #[test]
    fn both_forms_of_the_answer_are_read() {
        let lines = [
            "version 2",
            "agent=git/2.47",
            "ls-refs=unborn",
            "fetch=shallow wait-for-done filter",
            "object-format=sha1",
        ];
        let expected = Capabilities {
            shallow: true,
            filter: true,
            unborn: true,
            hash: IdHash::Sha1,
        };
        for service in [false, true] {
            assert_eq!(
                Capabilities::read(&answer(&lines, service)).unwrap(),
                Some(expected.clone())
            );
        }
        let sha256 = Capabilities::read(&answer(&["version 2", "object-format=sha256", "fetch"], false));
        assert_eq!(
            sha256.unwrap(),
            Some(Capabilities {
                hash: IdHash::Other,
                ..Capabilities::default()
            })
        );
    }

    #[test]
    fn older_servers_and_file_servers_are_told_apart_from_errors() {
        let old = "0123456789012345678901234567890123456789 HEAD\0multi_ack";
        for other in [
            &answer(&[old], true)[..],
            b"0123456789abcdef\trefs/heads/main\n",
            b"<html>",
            b"",
            b"0000",
        ] {
            assert_eq!(Capabilities::read(other).unwrap(), None, "{}", other.escape_ascii());
        }
        let refused = Capabilities::read(&answer(&["ERR no \u{1b}[31msuch"], false))
            .unwrap_err()
            .to_string();
        assert_eq!(refused, "the server says: no \\u{1b}[31msuch");
        assert!(Capabilities::read(&answer(&["version 2"], false)[..14]).is_err());
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Capabilities::read(&[b"000eversion 2\n", &bytes[..]].concat());
        }
    }
}
