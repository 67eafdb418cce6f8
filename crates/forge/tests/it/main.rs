//! Behavior on real folders and on repositories that the git command line made.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made is a failed test")]

mod archives;
mod collision;
#[cfg(feature = "slow")]
mod contracts;
mod discovery;
mod fetching;
mod fixture;
mod folders;
mod full_disk;
mod git_hostile;
mod git_oracle;
mod git_program;
mod hostile_servers;
mod listing;
mod listing_faults;
mod listing_others;
#[cfg(feature = "slow")]
mod real_gitea;
#[cfg(feature = "slow")]
mod recorded;
mod updates;
