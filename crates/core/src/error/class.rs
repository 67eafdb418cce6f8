//! Who can act on an error.

/// Who can act on an error, and whether waiting helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// It may pass if tried again.
    Transient,
    /// Trying again gives the same.
    Permanent,
    /// The user asked for something that cannot be.
    User,
    /// The machine is in the way: disk, memory, permissions.
    System,
}

impl Class {
    /// Every class.
    pub const ALL: [Self; 4] = [Self::Transient, Self::Permanent, Self::User, Self::System];

    /// The stable name in tables, metrics and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transient => "transient",
            Self::Permanent => "permanent",
            Self::User => "user",
            Self::System => "system",
        }
    }
}

stable_text!(Class by as_str, or ParseClassError: "a class of errors");
