//! Real servers and a faulty network for tests: PostgreSQL and git over HTTP on private ports, forges as their
//! documentation describes them, a real Gitea, Prism with GitHub's own contract, an S3 server that fails at the wish of a test,
//! an HTTP server that answers what a test wants, a TCP proxy that delays and cuts, and disks with little room.
//!
//! Every crate may use it, but only as a dev-dependency: everything here panics where a test's setup fails. It needs Linux
//! (`/proc`) and a POSIX shell.

#![forbid(unsafe_code)]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test ends where its setup fails"
)]

pub mod forge;
pub mod git_http;
pub mod gitea;
pub mod http;
pub mod npm;
pub mod postgres;
pub mod prism;
pub mod proxy;
pub mod s3;
pub mod small_disk;

mod port;
mod process;
mod watched;
