//! The license of a repository: license texts, manifests, and the class that policy decides on.
//!
//! Three kinds of evidence are read: license files at the root (by their text), files of a `LICENSES/` folder
//! (by their name, REUSE specification 3.3), and package manifests (by the expression they state).
//! [`repository_license`] joins them; where they disagree, the stricter class wins and every piece
//! stays as evidence.
//!
//! A text is identified in four steps, each only when the one before found nothing:
//! the hash of its normalized words; the Dice coefficient over word pairs with all SPDX texts; SPDX texts
//! contained in it, or the text being a part of one; names of licenses in a short notice.

mod class;
mod detector;
mod expression;
mod index;
mod manifest;
mod names;
mod notice;
mod path;
mod repository;
mod words;

pub use class::class_of;
pub use detector::LicenseDetector;
pub use expression::parse_expression;
pub use path::{is_license_file, is_manifest};
pub use repository::{Evidence, repository_license};
