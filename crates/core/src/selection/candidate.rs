//! What rules and score look at.

use crate::HostedRepository;
use crate::LicenseClass;

/// A repository that may be fetched.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// What its forge says.
    pub repository: &'a HostedRepository,
    /// The class of the license that the forge detected; `none` where it detected none.
    pub license_class: LicenseClass,
    /// Why it must not be used, if somebody asked for that.
    pub opt_out: Option<&'a str>,
}
