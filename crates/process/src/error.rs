//! The error of this crate: only building something can fail, never looking at a blob.

codelupe_core::coded_error! {
    /// Why a processor, detector or redactor could not be built.
    pub struct Error;
    /// What went wrong.
    pub enum ErrorKind {
        /// A setting is out of its range.
        InvalidConfig = Validation,
        /// Data compiled into the program cannot be read: a defect of CodeLupe.
        EmbeddedData = Internal,
    }
}
