//! The error of this crate.

codelupe_core::coded_error! {
    /// Something that cannot be done, with what it was about.
    pub struct Error;
    /// What went wrong.
    pub enum ErrorKind {
        /// A shingle size of zero or over [`crate::shingle::MAX_SHINGLE_SIZE`].
        ShingleSize = Validation: "a shingle is 1 to 32 tokens long",
        /// Bands and rows that are zero or need more values than a signature has.
        Banding = Validation: "bands times rows must be 1 to 256",
        /// Bands and rows that need more values than the configured signatures have.
        BandingRoom = Validation: "bands times rows must be at most the permutations",
        /// A number of values that a signature cannot have.
        SignaturePermutations = Validation: "a signature has 64, 128, 192 or 256 values",
        /// A threshold outside (0, 1].
        Threshold = Validation: "a Jaccard threshold is over 0 and at most 1",
        /// Stored bytes that are not a signature.
        SignatureBytes = CorruptStore: "a signature is 256, 512, 768 or 1024 bytes",
        /// More documents than a 32-bit number can name.
        TooManyDocuments = Validation: "at most 4294967295 documents fit in one table",
        /// A number of permutations of zero or over [`crate::datasketch::MAX_PERMUTATIONS`].
        Permutations = Validation: "the number of permutations must be 1 to 65536",
    }
}
