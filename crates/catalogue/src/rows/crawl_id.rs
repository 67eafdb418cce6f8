//! What listings are named by: their rows and the repositories that they found both say it.

/// A listing under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CrawlId(pub i64);
