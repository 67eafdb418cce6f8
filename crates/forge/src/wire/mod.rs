//! Git's protocol, version 2, as far as reading the newest state of a repository needs it (git's `gitprotocol-v2`,
//! `gitprotocol-http`).
//!
//! Three requests: the server's capabilities, its `HEAD`, one pack; of a repository that is known already two packs, the
//! second with what is not. References other than `HEAD` are never asked for.
//! Of what the server says only the text of its errors is shown, made printable.

mod capabilities;
mod head;
mod pack_request;
mod pkt_line;
mod side_band;

use std::fmt;
use std::io;

pub(crate) use capabilities::{Capabilities, IdHash};
pub(crate) use head::{Head, head_request, read_head};
pub(crate) use pack_request::{Files, PackRequest, read_to_pack};

/// The path of the capabilities below the address of a repository.
pub(crate) const CAPABILITIES_PATH: &str = "info/refs?service=git-upload-pack";

/// The path that requests are posted to.
pub(crate) const REQUEST_PATH: &str = "git-upload-pack";

/// The media type of a request and its header that asks for version 2.
pub(crate) const REQUEST_TYPE: &str = "application/x-git-upload-pack-request";

/// The header `Git-Protocol`.
pub(crate) const VERSION_HEADER: (&str, &str) = ("git-protocol", "version=2");

/// The most bytes of an answer that is no pack: capabilities, and the one line of `HEAD`.
pub(crate) const MAX_ANSWER_BYTES: usize = 64 << 10;

/// What this client calls itself in the protocol.
const AGENT: &str = concat!("agent=codelupe/", env!("CARGO_PKG_VERSION"));

/// An answer that is not of the protocol. It travels inside of an [`io::Error`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Malformed(String);

impl Malformed {
    fn new(why: impl Into<String>) -> Self {
        Self(why.into())
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not git's protocol: {}", self.0)
    }
}

impl std::error::Error for Malformed {}

impl From<Malformed> for io::Error {
    fn from(malformed: Malformed) -> Self {
        Self::new(io::ErrorKind::InvalidData, malformed)
    }
}

/// What the server says went wrong. It travels inside of an [`io::Error`].
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal(String);

impl Refusal {
    /// Whether `error` carries one.
    pub(crate) fn is_in(error: &io::Error) -> bool {
        error.get_ref().and_then(|inner| inner.downcast_ref::<Self>()).is_some()
    }

    /// Takes the server's text over, made printable and at most 300 bytes of it.
    fn new(text: &[u8]) -> Self {
        let text = &text[..text.len().min(300)];
        Self(codelupe_core::text::display_name(text.trim_ascii()))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the server says: {}", self.0)
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for io::Error {
    fn from(refusal: Refusal) -> Self {
        Self::other(refusal)
    }
}

/// A line without its newline, unless it is an error of the server.
fn line(payload: &[u8]) -> io::Result<&[u8]> {
    match payload.strip_prefix(b"ERR ") {
        Some(text) => Err(Refusal::new(text).into()),
        None => Ok(payload.strip_suffix(b"\n").unwrap_or(payload)),
    }
}
