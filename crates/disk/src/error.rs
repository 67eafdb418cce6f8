//! The error of this crate.

codelupe_core::coded_error! {
    /// A file or folder could not be written, read or locked.
    pub struct Error;
    /// What went wrong.
    pub enum ErrorKind {
        /// The disk, or a quota, is full.
        DiskFull = DiskFull,
        /// The operating system refused access.
        Permission = Permission,
        /// A folder is gone, or the operating system failed otherwise.
        Io = Storage,
        /// A file does not hold what was written to it.
        Corrupt = CorruptStore,
    }
}
