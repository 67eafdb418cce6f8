//! Where the chances of a sample come from: its seed, its file and its number, nothing else.

use codelupe_core::random::Random;
use sha2::{Digest, Sha256};

/// The generator of sample `number` of one file, or of one repository where `path` is empty.
pub(crate) fn of_sample(seed: u64, repository: &str, path: &str, number: u64) -> Random {
    let mut hash = Sha256::new();
    hash.update(seed.to_le_bytes());
    hash.update(number.to_le_bytes());
    hash.update((repository.len() as u64).to_le_bytes());
    hash.update(repository);
    hash.update(path);
    let digest = hash.finalize();
    let first = digest.iter().take(8);
    Random::new(first.fold(0, |state, &byte| state << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighboring_names_do_not_share_a_stream() {
        let first = |repository, path| of_sample(1, repository, path, 0).bits();
        assert_ne!(first("ab", "c"), first("a", "bc"));
        assert_ne!(first("ab", ""), first("a", "b"));
    }
}
