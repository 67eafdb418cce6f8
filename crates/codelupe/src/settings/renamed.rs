//! Keys of the config file that have another name now.

use codelupe_core::error::ErrorCode;
use toml::Table;

use crate::failure::{Failure, Result};

/// Section, old key, new key.
const RENAMED: [(&str, &str, &str); 3] = [
    ("selection", "licences", "licenses"),
    ("build", "licences", "licenses"),
    ("dedup", "index", "lsh"),
];

/// Refuses a key by its old name and says the new one.
pub(super) fn refuse(table: &Table) -> Result<()> {
    for (section, old, new) in RENAMED {
        if table.get(section).is_some_and(|section| section.get(old).is_some()) {
            let text = format!("`{section}.{old}` is called `{section}.{new}` now");
            return Err(Failure::new(ErrorCode::Validation, text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_key_is_refused_by_its_new_name() {
        let check = |text: &str, expected: Option<&str>| {
            let refused = refuse(&text.parse().unwrap());
            assert_eq!(
                refused.err().map(|error| error.to_string()).as_deref(),
                expected,
                "{text}"
            );
        };
        let licenses = "`build.licences` is called `build.licenses` now";
        check("[build]\nlicences = [\"permissive\"]", Some(licenses));
        check("build.licences = []", Some(licenses));
        check(
            "[dedup]\nindex = \"disk\"",
            Some("`dedup.index` is called `dedup.lsh` now"),
        );
        check("[build]\nlicenses = []\n[dedup]\nlsh = \"auto\"", None);
        check("build = 1", None);
    }
}
