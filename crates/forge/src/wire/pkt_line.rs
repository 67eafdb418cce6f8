//! Packet lines: four hexadecimal digits of length, then the payload (git's `gitprotocol-common`, "pkt-line Format").

use std::io::{self, BufRead};

use super::Malformed;

/// The longest packet with its length (git's `LARGE_PACKET_MAX`).
pub(super) const MAX_PACKET: usize = 65_520;

/// What begins at the reader's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packet {
    /// A payload with this number of bytes follows.
    Data(usize),
    /// `0000`: the end of a message.
    Flush,
    /// `0001`: the end of a section.
    Delimiter,
    /// `0002`: the end of an answer.
    ResponseEnd,
}

/// Reads the length of the next packet; `None` at the end of the stream.
pub(super) fn read_length(source: &mut impl BufRead) -> io::Result<Option<Packet>> {
    if source.fill_buf()?.is_empty() {
        return Ok(None);
    }
    let mut digits = [0; 4];
    source.read_exact(&mut digits)?;
    let length = digits.iter().try_fold(0, |length, digit| {
        let value = char::from(*digit).to_digit(16)?;
        usize::try_from(value).ok().map(|value| length * 16 + value)
    });
    match length {
        Some(0) => Ok(Some(Packet::Flush)),
        Some(1) => Ok(Some(Packet::Delimiter)),
        Some(2) => Ok(Some(Packet::ResponseEnd)),
        Some(length @ 4..=MAX_PACKET) => Ok(Some(Packet::Data(length - 4))),
        _ => Err(Malformed::new(format!("`{}` is no packet length", digits.escape_ascii())).into()),
    }
}

/// Reads the next packet, its payload into `payload`; `None` at the end of the stream.
pub(super) fn read(source: &mut impl BufRead, payload: &mut Vec<u8>) -> io::Result<Option<Packet>> {
    payload.clear();
    let packet = read_length(source)?;
    if let Some(Packet::Data(length)) = packet {
        payload.resize(length, 0);
        source.read_exact(payload)?;
    }
    Ok(packet)
}

/// Appends a packet with `text` and a newline.
pub(super) fn write(message: &mut Vec<u8>, text: &str) {
    message.extend_from_slice(format!("{:04x}{text}\n", text.len() + 5).as_bytes());
}

/// Appends `0000`.
pub(super) fn write_flush(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0000");
}

/// Appends `0001`.
pub(super) fn write_delimiter(message: &mut Vec<u8>) {
    message.extend_from_slice(b"0001");
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_was_written_is_read(texts in prop::collection::vec("[ -~]{0,80}", 0..8)) {
            let mut message = Vec::new();
            for text in &texts {
                write(&mut message, text);
            }
            write_delimiter(&mut message);
            write_flush(&mut message);
            let (mut source, mut payload) = (&message[..], Vec::new());
            for text in &texts {
                prop_assert_eq!(read(&mut source, &mut payload).unwrap(), Some(Packet::Data(text.len() + 1)));
                prop_assert_eq!(&payload, &[text.as_bytes(), b"\n"].concat());
            }
            prop_assert_eq!(read(&mut source, &mut payload).unwrap(), Some(Packet::Delimiter));
            prop_assert_eq!(read(&mut source, &mut payload).unwrap(), Some(Packet::Flush));
            prop_assert_eq!(read(&mut source, &mut payload).unwrap(), None);
        }

        #[test]
        fn any_bytes_end(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let (mut source, mut payload) = (&bytes[..], Vec::new());
            while let Ok(Some(_)) = read(&mut source, &mut payload) {
                prop_assert!(payload.len() <= MAX_PACKET);
            }
        }
    }

    #[test]
    fn lengths_that_do_not_exist_are_refused() {
        for bad in [&b"0003"[..], b"fff1", b"+004", b"xxxx", b"00", b"0005"] {
            assert!(read(&mut &bad[..], &mut Vec::new()).is_err(), "{}", bad.escape_ascii());
        }
    }
}
