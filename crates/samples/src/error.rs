//! What can go wrong on the way from files to rows of tokens.

codelupe_core::coded_error! {
    /// Tokenizing, sampling, or writing or reading a dataset failed.
    pub struct Error;
    /// What kind of failure it is.
    pub enum ErrorKind {
        /// A setting is outside of its range, or needs a special token that the tokenizer lacks.
        Config = Validation,
        /// A file or folder that must be there is not.
        Missing = NotFound,
        /// A tokenizer that is not byte-level BPE, or one that cannot be read.
        Tokenizer = CorruptInput,
        /// The tokenizer's vocabulary is not the one of the model.
        Vocabulary = Validation,
        /// The documents are not sorted by repository and path.
        Unsorted = Validation,
        /// Reading or writing failed in another way.
        Io = Storage,
        /// The documents could not be read.
        Documents = Storage,
        /// There is a dataset in the folder, made from other inputs.
        OtherDataset = Conflict,
        /// The dataset was written by a program with another format.
        UnknownFormat = CorruptStore,
        /// A file of the dataset is damaged or cut short.
        Corrupt = CorruptStore,
        /// No space is left on the disk.
        DiskFull = DiskFull,
        /// The operating system refused access.
        Permission = Permission,
    }
}

impl From<codelupe_disk::Error> for Error {
    fn from(error: codelupe_disk::Error) -> Self {
        Self::like(ErrorKind::of_code(error.code()), error)
    }
}
