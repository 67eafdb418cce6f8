//! Tests of whole ways through the crate, against other implementations, theory and brute force.

#[cfg(test)]
#[cfg(feature = "slow")]
mod brute_force;
#[cfg(test)]
mod datasketch;
#[cfg(test)]
mod election;
#[cfg(test)]
mod estimate;
#[cfg(test)]
mod leak;
#[cfg(test)]
mod truth;
