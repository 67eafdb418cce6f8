//! What an error is about.

/// What an error is about; how it is handled depends on it ([`Category::policy`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Category {
    /// Another machine was not reached or broke off.
    Network,
    /// Another machine said that it was asked too often.
    RateLimit,
    /// The catalogue, or another server that keeps data.
    Database,
    /// Files of the data folder or objects of a store.
    Storage,
    /// What was asked for, or one record of many, is not acceptable.
    Validation,
    /// Something that was read is damaged.
    CorruptInput,
    /// Main memory.
    Memory,
    /// Space on a disk.
    Disk,
    /// Memory of an accelerator.
    GpuMemory,
    /// Something took longer than it was given.
    Timeout,
    /// Credentials.
    Auth,
    /// CodeLupe itself.
    Internal,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 12] = [
        Self::Network,
        Self::RateLimit,
        Self::Database,
        Self::Storage,
        Self::Validation,
        Self::CorruptInput,
        Self::Memory,
        Self::Disk,
        Self::GpuMemory,
        Self::Timeout,
        Self::Auth,
        Self::Internal,
    ];

    /// The stable name in tables, metrics and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::RateLimit => "rate_limit",
            Self::Database => "database",
            Self::Storage => "storage",
            Self::Validation => "validation",
            Self::CorruptInput => "corrupt_input",
            Self::Memory => "resource_memory",
            Self::Disk => "resource_disk",
            Self::GpuMemory => "resource_gpu_memory",
            Self::Timeout => "timeout",
            Self::Auth => "auth",
            Self::Internal => "internal",
        }
    }
}

stable_text!(Category by as_str, or ParseCategoryError: "a category of errors");
