//! Names of spans and of what they and events carry.

/// A span.
#[derive(Debug, Clone, Copy)]
pub struct Span {
    /// Its name.
    pub name: &'static str,
    /// What happens in it.
    pub help: &'static str,
    /// What it carries.
    pub attributes: &'static [Attribute],
}

/// What a span or an event carries.
#[derive(Debug, Clone, Copy)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// What it says.
    pub help: &'static str,
}

/// Names of spans.
pub mod span {
    /// One attempt at a job.
    pub const JOB: &str = "job";
}

/// Every span.
pub static SPANS: &[Span] = &[Span {
    name: span::JOB,
    help: "One attempt at a job",
    attributes: &[
        Attribute {
            name: "id",
            help: "The number of the job",
        },
        Attribute {
            name: "name",
            help: "The name of its stage",
        },
        Attribute {
            name: "attempt",
            help: "Which attempt it is, from 1",
        },
        Attribute {
            name: "trace",
            help: "The W3C trace parent of whoever enqueued the job; empty without one",
        },
    ],
}];
