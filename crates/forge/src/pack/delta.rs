//! Deltas: an object as copies from another and new bytes (git's `gitformat-pack`, "Deltified representation").

use super::Broken;

/// Bytes that a copy of length zero stands for.
const ZERO_MEANS: usize = 0x1_0000;

/// Makes the object of `delta` to `base`.
///
/// Its size is stated first and checked against `limit` before memory is taken: an instruction of seven bytes may copy
/// 16 MiB.
///
/// # Errors
/// The delta is not well-formed, is to a base of another size, or its object has more than `limit` bytes.
pub(super) fn apply(base: &[u8], delta: &[u8], limit: usize) -> Result<Vec<u8>, Broken> {
    let mut rest = delta;
    let base_size = read_size(&mut rest)?;
    let size = read_size(&mut rest)?;
    if base_size != base.len() as u64 {
        return Err(Broken::malformed("a delta is to a base of another size"));
    }
    let size = usize::try_from(size)
        .ok()
        .filter(|size| *size <= limit)
        .ok_or(Broken::TooLarge(size))?;
    let mut object = Vec::new();
    object
        .try_reserve_exact(size)
        .map_err(|_| Broken::TooLarge(size as u64))?;
    while let Some((instruction, after)) = rest.split_first() {
        rest = after;
        let bytes = match instruction {
            0 => return Err(Broken::malformed("a delta has the reserved instruction 0")),
            copy if copy & 0x80 != 0 => {
                let (offset, length) = read_copy(*copy, &mut rest)?;
                base.get(offset..offset.saturating_add(length))
            }
            insert => rest.split_off(..usize::from(*insert)),
        };
        let bytes = bytes.ok_or_else(|| Broken::malformed("a delta reaches past its end or that of its base"))?;
        if object.len() + bytes.len() > size {
            return Err(Broken::malformed("a delta makes more than it states"));
        }
        object.extend_from_slice(bytes);
    }
    if object.len() == size {
        Ok(object)
    } else {
        Err(Broken::malformed("a delta makes less than it states"))
    }
}

/// The size of the object that `delta` makes.
pub(super) fn object_size(mut delta: &[u8]) -> Result<u64, Broken> {
    read_size(&mut delta)?;
    read_size(&mut delta)
}

/// A number of seven bits a byte, the lowest first.
fn read_size(rest: &mut &[u8]) -> Result<u64, Broken> {
    let mut size = 0;
    for shift in (0..63).step_by(7) {
        let byte = take(rest)?;
        size |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Ok(size);
        }
    }
    Err(Broken::malformed("a size in a delta has more than 63 bits"))
}

/// The offset and the length of a copy: of four and three bytes those that the instruction has a bit for.
fn read_copy(instruction: u8, rest: &mut &[u8]) -> Result<(usize, usize), Broken> {
    let mut number = |bits: std::ops::Range<u32>| {
        let mut value = 0;
        for (index, bit) in bits.enumerate() {
            if instruction >> bit & 1 != 0 {
                value |= usize::from(take(rest)?) << (8 * index);
            }
        }
        Ok(value)
    };
    let (offset, length) = (number(0..4)?, number(4..7)?);
    Ok((offset, if length == 0 { ZERO_MEANS } else { length }))
}

fn take(rest: &mut &[u8]) -> Result<u8, Broken> {
    rest.split_off_first()
        .copied()
        .ok_or_else(|| Broken::malformed("a delta ends within an instruction"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn size(mut size: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        loop {
            let low = u8::try_from(size & 0x7f).unwrap();
            size >>= 7;
            bytes.push(if size > 0 { low | 0x80 } else { low });
            if size == 0 {
                return bytes;
            }
        }
    }

    #[derive(Debug, Clone)]
    enum Step {
        Copy(usize, usize),
        Insert(Vec<u8>),
    }

    fn written(base: &[u8], steps: &[Step]) -> (Vec<u8>, Vec<u8>) {
        let (mut body, mut object) = (Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Insert(bytes) => {
                    body.push(u8::try_from(bytes.len()).unwrap());
                    body.extend_from_slice(bytes);
                    object.extend_from_slice(bytes);
                }
                Step::Copy(offset, length) => {
                    let offset = offset % base.len();
                    let length = (*length).clamp(1, base.len() - offset);
                    body.push(0x80 | 0x0f | 0x70);
                    body.extend_from_slice(&u32::try_from(offset).unwrap().to_le_bytes());
                    body.extend_from_slice(&u32::try_from(length).unwrap().to_le_bytes()[..3]);
                    object.extend_from_slice(&base[offset..offset + length]);
                }
            }
        }
        ([size(base.len()), size(object.len()), body].concat(), object)
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            (any::<usize>(), 1_usize..300).prop_map(|(offset, length)| Step::Copy(offset, length)),
            prop::collection::vec(any::<u8>(), 1..128).prop_map(Step::Insert),
        ];
        prop::collection::vec(step, 0..12)
    }

    proptest! {
        #[test]
        fn what_was_written_is_made_again(base in prop::collection::vec(any::<u8>(), 1..500), steps in steps()) {
            let (delta, object) = written(&base, &steps);
            prop_assert_eq!(object_size(&delta).unwrap(), object.len() as u64);
            prop_assert_eq!(apply(&base, &delta, object.len()).unwrap(), object.clone());
            if !object.is_empty() {
                prop_assert!(matches!(apply(&base, &delta, object.len() - 1), Err(Broken::TooLarge(_))));
            }
        }

        #[test]
        fn any_bytes_stay_within_the_limit(base in prop::collection::vec(any::<u8>(), 0..50), delta in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(object) = apply(&base, &delta, 1000) {
                prop_assert!(object.len() <= 1000);
            }
        }
    }

    #[test]
    fn a_stated_size_takes_no_memory() {
        let huge = [size(3), size(1 << 60)].concat();
        assert!(matches!(apply(b"abc", &huge, 1 << 20), Err(Broken::TooLarge(s)) if s == 1 << 60));
        assert!(apply(b"abcd", &[size(3), size(1)].concat(), 9).is_err());
        assert!(apply(b"abc", &[size(3), size(1), vec![0]].concat(), 9).is_err());
        assert!(apply(b"abc", &[size(3), size(4), vec![0x90, 4]].concat(), 9).is_err());
    }

    #[test]
    fn a_copy_of_length_zero_is_64_kib() {
        let base = vec![7; 0x1_0000];
        let delta = [size(base.len()), size(base.len()), vec![0x80]].concat();
        assert_eq!(apply(&base, &delta, base.len()).unwrap(), base);
    }
}
