//! Versions as programs print them.

/// The version in the first line of what a program prints for `--version`, without the letters before it: `15.14`, `18beta1`,
/// `20.20.2` of `v20.20.2`, `1.26.8` of `go1.26.8`.
pub(crate) fn find(text: &str) -> Option<String> {
    let words = text.lines().next()?.split_whitespace();
    let versions = words.filter_map(|word| {
        let word = word.trim_start_matches(|c: char| c.is_ascii_alphabetic() || c == '(');
        let end = word.find(|c: char| !c.is_ascii_alphanumeric() && c != '.');
        let version = &word[..end.unwrap_or(word.len())];
        version.starts_with(|c: char| c.is_ascii_digit()).then_some(version)
    });
    versions.map(str::to_owned).next()
}

/// Major and minor version.
pub(crate) fn numbers(version: &str) -> (u32, u32) {
    let mut parts = version.split('.').map(|part| {
        let end = part.find(|c: char| !c.is_ascii_digit());
        part[..end.unwrap_or(part.len())].parse().unwrap_or(0)
    });
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_found_in_what_programs_print() {
        let check = |text: &str, expected: Option<(&str, (u32, u32))>| {
            let found = find(text);
            let found = found.as_deref().map(|version| (version, numbers(version)));
            assert_eq!(found, expected, "{text}");
        };
        check(
            "postgres (PostgreSQL) 15.14 (Debian 15.14-0+deb12u1)\n",
            Some(("15.14", (15, 14))),
        );
        check("postgres (PostgreSQL) 18beta1\n", Some(("18beta1", (18, 0))));
        check("postgres (PostgreSQL) devel\n", None);
        check("git version 2.39.5\n", Some(("2.39.5", (2, 39))));
        check(
            "cc (Debian 12.2.0-14+deb12u1) 12.2.0\nCopyright (C) 2022\n",
            Some(("12.2.0", (12, 2))),
        );
        check("v20.20.2\n", Some(("20.20.2", (20, 20))));
        check("go version go1.26.8 linux/amd64\n", Some(("1.26.8", (1, 26))));
        check("Python 3.11.7\n", Some(("3.11.7", (3, 11))));
        check("", None);
    }
}
