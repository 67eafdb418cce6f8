//! The model as a graph over [`crate::ops::Ops`]: the order of operations on the way there and back.
//!
//! It is written out by hand, without a tape: what a layer keeps, and for how long, is to be seen in [`block`].

pub(crate) mod angles;
pub(crate) mod block;
pub(crate) mod cache;
pub(crate) mod head;
pub(crate) mod network;
pub(crate) mod pass;
pub(crate) mod projection;
pub(crate) mod workspace;
