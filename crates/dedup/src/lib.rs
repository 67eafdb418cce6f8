//! Near-duplicate detection: shingles, `MinHash` signatures, LSH bands, exact verification, election of survivors.
//!
//! Pure and sync: nothing here reads a file, the environment or a clock. What happens to a text:
//!
//! 1. [`Signer::sign`] cuts it into shingles (runs of [`ShingleSize`] tokens) and condenses them to a [`Signature`];
//!    a text with fewer tokens than one shingle has none and is never compared.
//! 2. [`BandTable::push`] keeps the band keys of its signature; texts that share a key are candidates ([`Groups`]).
//! 3. [`elect()`] goes through the documents in rank order and drops one only when an already kept candidate has an
//!    exact Jaccard similarity at or over the threshold.
//! 4. [`LeakFinder`] finds the documents of one split that are near-duplicates of a document of another.
//! 5. [`repository_copies()`] finds the repositories that are near-copies of others as a whole.
//!
//! Shingle hashes, signatures and band keys are stored by others, so they never change between versions and are the
//! same on every machine; [`SCHEME`] names the way they are made.

// Not `forbid`: `minhash` calls functions compiled for AVX2 and AVX-512 after asking the CPU.
#![deny(unsafe_code)]

mod bands;
mod cache;
mod copies;
pub mod datasketch;
mod elect;
mod error;
mod evaluation;
mod groups;
mod hash;
mod jaccard;
mod leak;
mod minhash;
mod shingle;
mod sign;
mod table;
mod token;

pub use bands::{BandIndex, Banding};
pub use cache::ShingleSource;
pub use copies::{Containment, CopyConfig, CopyReport, repository_copies};
pub use elect::{Election, ElectionConfig, ElectionCounts, ElectionOutcome, elect};
pub use error::{Error, ErrorKind};
pub use evaluation::{
    BINS, Pairs, bin_name, binomial_band, families, near_pairs, one_of_each_family, reference_shingles,
    reference_tokens, within,
};
pub use groups::Groups;
pub use jaccard::{Threshold, jaccard};
pub use leak::{Leak, LeakConfig, LeakFinder, LeakReport};
pub use minhash::{MAX_PERMUTATIONS, Permutations, Signature};
pub use shingle::{MAX_SHINGLE_SIZE, ShingleSize, shingles};
pub use sign::Signer;
pub use table::BandTable;

/// The name of the way shingles, signatures and band keys are made. It changes when any of them would change, and
/// values made under different names must not be compared.
pub const SCHEME: &str = "codelupe-minhash-1";
