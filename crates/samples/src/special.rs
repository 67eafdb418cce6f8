//! The special tokens of Qwen2.5-Coder, by name.

/// A token that stands for itself and never comes out of the text of a file.
///
/// Names and meaning: Qwen2.5-Coder Technical Report (arXiv 2409.12186), table 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Special {
    /// The end of a text or of a sequence; also the padding of the base models.
    EndOfText,
    /// The beginning of a message of a chat (`ChatML`).
    ImStart,
    /// The end of a message of a chat (`ChatML`).
    ImEnd,
    /// What stands before the hole comes next.
    FimPrefix,
    /// What stands in the hole comes next.
    FimMiddle,
    /// What stands after the hole comes next.
    FimSuffix,
    /// The padding of a fill-in-the-middle example.
    FimPad,
    /// The name of a repository comes next.
    RepoName,
    /// A file of a repository comes next, first its path.
    FileSep,
}

impl Special {
    /// Every special token, in the order of their ids in Qwen2.5-Coder.
    pub const ALL: [Self; 9] = [
        Self::EndOfText,
        Self::ImStart,
        Self::ImEnd,
        Self::FimPrefix,
        Self::FimMiddle,
        Self::FimSuffix,
        Self::FimPad,
        Self::RepoName,
        Self::FileSep,
    ];

    /// The text that a tokenizer.json writes for it.
    pub const fn text(self) -> &'static str {
        match self {
            Self::EndOfText => "<|endoftext|>",
            Self::ImStart => "<|im_start|>",
            Self::ImEnd => "<|im_end|>",
            Self::FimPrefix => "<|fim_prefix|>",
            Self::FimMiddle => "<|fim_middle|>",
            Self::FimSuffix => "<|fim_suffix|>",
            Self::FimPad => "<|fim_pad|>",
            Self::RepoName => "<|repo_name|>",
            Self::FileSep => "<|file_sep|>",
        }
    }
}
