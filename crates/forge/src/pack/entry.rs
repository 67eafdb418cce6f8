//! The header of one entry of a pack (git's `gitformat-pack`, "pack-*.pack files have the following format").

use std::io::BufRead;

use super::stream::PackStream;
use super::{Broken, ObjectKind};

/// The most bytes in a variable-length number: ten of seven bits hold 64.
const MAX_VARINT_BYTES: u32 = 10;

/// What the header of an entry says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) body: Body,
    /// Bytes of the inflated data: of the object, or of the delta.
    pub(super) size: u64,
}

/// What the data of an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    /// The object itself.
    Whole(ObjectKind),
    /// A delta to the entry that begins this many bytes before this one.
    OffsetDelta(u64),
    /// A delta to the object of that id.
    IdDelta([u8; 20]),
}

impl Header {
    /// Reads a header.
    pub(super) fn read<R: BufRead>(stream: &mut PackStream<R>) -> Result<Self, Broken> {
        let first = stream.byte()?;
        let mut size = u64::from(first & 0x0f);
        let mut byte = first;
        for index in 0..MAX_VARINT_BYTES {
            if byte & 0x80 == 0 {
                break;
            }
            byte = stream.byte()?;
            let bits = u64::from(byte & 0x7f);
            let shift = 4 + 7 * index;
            if shift > 63 || bits > u64::MAX >> shift {
                return Err(Broken::malformed("the size of an entry has more than 64 bits"));
            }
            size |= bits << shift;
        }
        let body = match first >> 4 & 7 {
            1 => Body::Whole(ObjectKind::Commit),
            2 => Body::Whole(ObjectKind::Tree),
            3 => Body::Whole(ObjectKind::Blob),
            4 => Body::Whole(ObjectKind::Tag),
            6 => Body::OffsetDelta(read_offset(stream)?),
            7 => Body::IdDelta(stream.array()?),
            other => return Err(Broken::malformed(format!("there is no entry of type {other}"))),
        };
        Ok(Self { body, size })
    }
}

/// The distance of a base: seven bits a byte, the highest first, and one added for each byte that follows.
fn read_offset<R: BufRead>(stream: &mut PackStream<R>) -> Result<u64, Broken> {
    let mut byte = stream.byte()?;
    let mut offset = u64::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        byte = stream.byte()?;
        offset = (offset + 1)
            .checked_mul(128)
            .map(|offset| offset | u64::from(byte & 0x7f))
            .filter(|offset| *offset < u64::MAX / 256)
            .ok_or_else(|| Broken::malformed("the base of a delta is further away than packs are long"))?;
    }
    Ok(offset)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(bytes: &[u8]) -> Result<Header, Broken> {
        Header::read(&mut PackStream::new(bytes, u64::MAX))
    }

    fn written(kind: u8, mut size: u64) -> Vec<u8> {
        let mut byte = kind << 4 | u8::try_from(size & 0x0f).unwrap();
        size >>= 4;
        let mut bytes = Vec::new();
        while size > 0 {
            bytes.push(byte | 0x80);
            byte = u8::try_from(size & 0x7f).unwrap();
            size >>= 7;
        }
        bytes.push(byte);
        bytes
    }

    proptest! {
        #[test]
        fn sizes_are_read_back(size: u64, kind in 1_u8..5) {
            let header = read(&written(kind, size)).unwrap();
            prop_assert_eq!(header.size, size);
        }

        #[test]
        fn any_bytes_end_in_a_header_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..32)) {
            let _ = read(&bytes);
        }
    }

    #[test]
    fn what_git_does_not_write_is_refused() {
        for bad in [
            &[0x00][..],
            &[0x50],
            &[0xff; 12],
            &[0xe0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
            &[],
        ] {
            assert!(read(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn offsets_are_those_of_the_format() {
        // `gitformat-pack`: two bytes begin at 128.
        let offset = |bytes: &[u8]| read(&[&[0x60], bytes].concat()).unwrap().body;
        assert_eq!(offset(&[0x7f]), Body::OffsetDelta(127));
        assert_eq!(offset(&[0x80, 0x00]), Body::OffsetDelta(128));
        assert_eq!(offset(&[0x81, 0x00]), Body::OffsetDelta(256));
        assert_eq!(offset(&[0x80, 0x80, 0x00]), Body::OffsetDelta(16_512));
    }
}
