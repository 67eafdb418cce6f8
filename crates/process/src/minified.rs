//! Minified scripts and style sheets.

/// Extensions of files that are commonly minified: linguist's `.js` and `.css`, and the other two of JavaScript.
const EXTENSIONS: [&str; 4] = [".js", ".css", ".mjs", ".cjs"];

/// Whether a file is minified: by its name (`a.min.js`, `a-min.css`), or because a script's or style sheet's lines
/// are longer than `max_average` bytes on average (linguist: 110, rounded down).
pub(crate) fn is_minified(file_name: &str, text: &str, max_average: u64) -> bool {
    let lower = file_name.to_ascii_lowercase();
    let Some(stem) = stem_of_script(&lower) else {
        return false;
    };
    if ["-min", ".min"].iter().any(|mark| stem.ends_with(mark)) {
        return true;
    }
    let breaks = memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64;
    (text.len() as u64 - breaks) / (breaks + 1) > max_average
}

/// Whether a script or style sheet names its source map in one of its last two lines: a tool wrote it.
pub(crate) fn names_source_map(file_name: &str, text: &str) -> bool {
    stem_of_script(&file_name.to_ascii_lowercase()).is_some()
        && text.rsplit('\n').take(2).any(|line| {
            let marks = ["//# source", "//@ source", "/*# source", "/*@ source"];
            let rest = marks.iter().find_map(|mark| line.strip_prefix(mark));
            rest.is_some_and(|rest| rest.starts_with("MappingURL=") || rest.starts_with("URL="))
        })
}

fn stem_of_script(lower: &str) -> Option<&str> {
    EXTENSIONS.iter().find_map(|extension| lower.strip_suffix(extension))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minified_by_name_or_by_lines() {
        let long = "x".repeat(111);
        let cases = [
            ("a.min.js", "x\n", true),
            ("A-MIN.CSS", "x\n", true),
            ("a.js", long.as_str(), true),
            ("a.js", &long[1..], false),
            ("a.py", long.as_str(), false),
            ("min.js", "x\n", false),
            ("a.js", "", false),
        ];
        for (name, text, expected) in cases {
            assert_eq!(is_minified(name, text, 110), expected, "{name} {text:?}");
        }
    }

    #[test]
    fn source_maps_are_named_at_the_end() {
        assert!(names_source_map("a.js", "x\n//# sourceMappingURL=a.js.map\n"));
        assert!(names_source_map("a.css", "x\n/*# sourceMappingURL=a.css.map */"));
        assert!(!names_source_map("a.js", "//# sourceMappingURL=a.js.map\nx\ny\n"));
        assert!(!names_source_map("a.py", "//# sourceMappingURL=a.js.map\n"));
    }
}
