//! The model as a graph over [`crate::ops::Ops`]: the order of operations, forward and backward.
//!
//! It is written out by hand, without a tape: [`block`] shows what a layer keeps, and for how long.

pub(crate) mod angles;
pub(crate) mod block;
pub(crate) mod cache;
pub(crate) mod head;
pub(crate) mod network;
pub(crate) mod pass;
pub(crate) mod projection;
pub(crate) mod workspace;
