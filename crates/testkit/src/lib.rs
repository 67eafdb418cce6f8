//! Real servers and a faulty network for tests: PostgreSQL on a private port, and a TCP proxy that delays and cuts.
//!
//! Every crate may use it, but only as a dev-dependency: everything here panics where a test's setup fails. It needs Linux
//! (`/proc`) and a POSIX shell.

#![forbid(unsafe_code)]
#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a test ends where its setup fails"
)]

pub mod postgres;
pub mod proxy;

mod port;
mod process;
