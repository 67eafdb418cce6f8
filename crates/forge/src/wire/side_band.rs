//! The bands that a pack comes in: 1 the pack, 2 progress, 3 an error (git's `gitprotocol-pack`, "Packfile Data").

use std::io::{self, BufRead, Read};

use super::pkt_line::{self, Packet};
use super::{Malformed, Refusal};

/// The most packets in a row that bring nothing. A server sends an empty one every five seconds to keep the connection.
const MAX_EMPTY: usize = 10_000;

/// The bytes of band 1. What the server tells on band 2 is passed over.
pub(crate) struct SideBand<R> {
    source: R,
    /// Bytes that are left of the packet at hand.
    left: usize,
    ended: bool,
}

impl<R: BufRead> SideBand<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            left: 0,
            ended: false,
        }
    }

    /// Moves on to the next packet of band 1 that is not empty.
    fn advance(&mut self) -> io::Result<()> {
        for _ in 0..MAX_EMPTY {
            if self.left > 0 || self.ended {
                return Ok(());
            }
            match pkt_line::read_length(&mut self.source)? {
                Some(Packet::Data(0)) => {}
                Some(Packet::Data(length)) => self.open(length - 1)?,
                Some(Packet::Flush | Packet::ResponseEnd) => self.ended = true,
                Some(Packet::Delimiter) => return Err(Malformed::new("a section ends within the pack").into()),
                None => return Err(io::ErrorKind::UnexpectedEof.into()),
            }
        }
        Err(Malformed::new("the pack does not go on").into())
    }

    fn open(&mut self, length: usize) -> io::Result<()> {
        let mut band = [0];
        self.source.read_exact(&mut band)?;
        match band[0] {
            1 => self.left = length,
            2 => {
                let taken = io::copy(&mut self.source.by_ref().take(length as u64), &mut io::sink())?;
                if taken < length as u64 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            3 => {
                let mut text = Vec::new();
                self.source.by_ref().take(length as u64).read_to_end(&mut text)?;
                return Err(Refusal::new(&text).into());
            }
            other => return Err(Malformed::new(format!("there is no band {other}")).into()),
        }
        Ok(())
    }
}

impl<R: BufRead> BufRead for SideBand<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.advance()?;
        if self.left == 0 {
            return Ok(&[]);
        }
        let buffer = self.source.fill_buf()?;
        if buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(&buffer[..buffer.len().min(self.left)])
    }

    fn consume(&mut self, amount: usize) {
        let amount = amount.min(self.left);
        self.source.consume(amount);
        self.left -= amount;
    }
}

impl<R: BufRead> Read for SideBand<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let buffer = self.fill_buf()?;
        let length = buffer.len().min(into.len());
        into[..length].copy_from_slice(&buffer[..length]);
        self.consume(length);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> io::Result<Vec<u8>> {
        let mut pack = Vec::new();
        SideBand::new(bytes).read_to_end(&mut pack).map(|_| pack)
    }

    #[test]
    fn progress_and_keep_alives_are_passed_over() {
        assert_eq!(
            read(b"0007\x01AB00040006\x02x0005\x010005\x020006\x01C0000").unwrap(),
            b"ABC"
        );
        assert_eq!(read(b"0006\x02\x1b0000").unwrap(), b"");
    }

    #[test]
    fn the_other_ends_are_errors() {
        let told = read(b"0006\x01A000a\x03\x1b[31m0000").unwrap_err();
        assert_eq!(told.to_string(), "the server says: \\u{1b}[31m");
        for bad in [
            &b"0006\x01A"[..],
            b"0009\x01A",
            b"0009\x02A",
            b"0006\x04A0000",
            b"0001",
            b"",
            b"0006\x01A0001",
        ] {
            assert!(read(bad).is_err(), "{}", bad.escape_ascii());
        }
        assert!(read(&b"0004".repeat(MAX_EMPTY + 1)).is_err());
    }

    proptest! {
        #[test]
        fn pieces_come_together(pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..50), 0..9)) {
            let mut bytes = Vec::new();
            for piece in &pieces {
                bytes.extend_from_slice(format!("{:04x}", piece.len() + 5).as_bytes());
                bytes.push(1);
                bytes.extend_from_slice(piece);
            }
            bytes.extend_from_slice(b"0000");
            prop_assert_eq!(read(&bytes).unwrap(), pieces.concat());
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
