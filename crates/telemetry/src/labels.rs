//! The labels of the table.

use codelupe_core::breaker::State;
use codelupe_core::error::ErrorCode;

use crate::label::{LabelValue, Meaning, closed_set, label_set};
use crate::operation::Operation;

/// How a call of the catalogue ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallOutcome {
    /// `ok`: as it should.
    Done,
    /// The code of its error.
    Failed(ErrorCode),
}

impl LabelValue for CallOutcome {
    fn meanings() -> Vec<Meaning> {
        let codes = ErrorCode::ALL
            .iter()
            .map(|code| (code.code(), code.describe().trim_end_matches('.')));
        std::iter::once(("ok", "It was done")).chain(codes).collect()
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Done => "ok",
            Self::Failed(code) => code.code(),
        }
    }
}

impl LabelValue for State {
    fn meanings() -> Vec<Meaning> {
        vec![
            ("closed", "All calls pass"),
            ("open", "No call passes"),
            ("half_open", "One call at a time passes; how it ends decides"),
        ]
    }

    fn text(&self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half_open",
        }
    }
}

closed_set! {
    /// The stage that a job is of.
    Stage {
        Process = "process": "Read and process some repositories";
        Dedup = "dedup": "Find the duplicates";
        Build = "build": "Make a build of the survivors";
        Index = "index": "Make the latest build searchable";
        Train = "train": "Train a model";
        Unknown = "unknown": "A job of another version of the program";
    }
}

impl Stage {
    /// The stage that jobs of this name are of.
    pub fn of_job(name: &str) -> Self {
        let mut all = Self::ALL.iter().copied();
        all.find(|stage| stage.as_str() == name).unwrap_or(Self::Unknown)
    }
}

closed_set! {
    /// What an attempt at a job came to.
    JobOutcome {
        Done = "done": "The job is done";
        Again = "again": "It is tried again, by this worker or another, or was canceled";
        Dead = "dead": "It is a dead letter, with its error";
        GivenBack = "given_back": "It was given back, and the worker ends";
        Unsettled = "unsettled": "What came of it could not be noted; its lease runs out";
    }
}

closed_set! {
    /// The software of the host that a request goes to.
    Forge {
        GitHub = "github": "GitHub or GitHub Enterprise Server";
        GitLab = "gitlab": "GitLab";
        Gitea = "gitea": "Gitea or Forgejo";
        Other = "other": "A host that is not known as a forge";
    }
}

closed_set! {
    /// The method of a request.
    Method {
        Get = "get": "GET";
        Post = "post": "POST";
    }
}

closed_set! {
    /// How a request was answered: the class of the status (RFC 9110, section 15).
    Answer {
        Informational = "1xx": "A status of 100 to 199";
        Success = "2xx": "A status of 200 to 299";
        Redirection = "3xx": "A status of 300 to 399";
        ClientError = "4xx": "A status of 400 to 499";
        ServerError = "5xx": "A status of 500 to 599";
        Other = "other": "Not a status of HTTP";
        Missing = "none": "There was no answer";
    }
}

impl Answer {
    /// The class of a status.
    pub const fn of_status(status: u16) -> Self {
        match status / 100 {
            1 => Self::Informational,
            2 => Self::Success,
            3 => Self::Redirection,
            4 => Self::ClientError,
            5 => Self::ServerError,
            _ => Self::Other,
        }
    }
}

closed_set! {
    /// How a search was answered.
    QueryOutcome {
        AllWords = "all_words": "Every hit has every word";
        AnyWord = "any_word": "Nothing has every word; every hit has at least a part of one";
        Nothing = "nothing": "Nothing was found";
        Failed = "failed": "The index could not be read";
    }
}

label_set! {
    /// None.
    NoLabels {}
}

label_set! {
    /// Of a call of the catalogue and how it ended.
    CallLabels {
        /// What was asked.
        operation: Operation,
        /// How it ended.
        outcome: CallOutcome,
    }
}

label_set! {
    /// Of a call of the catalogue.
    OperationLabels {
        /// What was asked.
        operation: Operation,
    }
}

label_set! {
    /// Of the breaker around the catalogue.
    BreakerLabels {
        /// One of its states.
        state: State,
    }
}

label_set! {
    /// Of an attempt at a job and what it came to.
    JobLabels {
        /// The job's stage.
        stage: Stage,
        /// What it came to.
        outcome: JobOutcome,
    }
}

label_set! {
    /// Of an attempt at a job.
    StageLabels {
        /// The job's stage.
        stage: Stage,
    }
}

label_set! {
    /// Of a request and how it was answered.
    RequestLabels {
        /// Who was asked.
        forge: Forge,
        /// How.
        method: Method,
        /// The answer.
        status: Answer,
    }
}

label_set! {
    /// Of a host.
    ForgeLabels {
        /// Its software.
        forge: Forge,
    }
}

label_set! {
    /// Of a search.
    QueryLabels {
        /// How it was answered.
        outcome: QueryOutcome,
    }
}
