//! License names as people write them: `Apache License, Version 2.0`, `GPLv2+`, `New BSD`.

/// Names in running text: words in order, and the SPDX id. Longer names come first where one starts with another.
///
/// `BSD` without a count is taken as three clauses, `Apache` without a version as 2.0, as scancode does.
const NAMES: &[(&[&str], &str)] = &[
    (&["apache", "license", "version", "1.1"], "Apache-1.1"),
    (&["apache", "software", "license", "version", "1.1"], "Apache-1.1"),
    (&["apache", "software", "license", "1.1"], "Apache-1.1"),
    (&["apache", "license"], "Apache-2.0"),
    (&["apache", "software", "license"], "Apache-2.0"),
    (&["apache", "2"], "Apache-2.0"),
    (&["apache", "v2"], "Apache-2.0"),
    (&["apache", "version", "2"], "Apache-2.0"),
    (&["apache2"], "Apache-2.0"),
    (&["apachev2"], "Apache-2.0"),
    (&["asl", "2"], "Apache-2.0"),
    (&["al2"], "Apache-2.0"),
    (&["mit", "no", "attribution"], "MIT-0"),
    (&["mit", "0"], "MIT-0"),
    (&["mit"], "MIT"),
    (&["expat"], "MIT"),
    (&["bsd", "zero", "clause"], "0BSD"),
    (&["zero", "clause", "bsd"], "0BSD"),
    (&["0bsd"], "0BSD"),
    (&["bsd", "2"], "BSD-2-Clause"),
    (&["2", "clause", "bsd"], "BSD-2-Clause"),
    (&["two", "clause", "bsd"], "BSD-2-Clause"),
    (&["simplified", "bsd"], "BSD-2-Clause"),
    (&["bsd", "simplified"], "BSD-2-Clause"),
    (&["freebsd", "license"], "BSD-2-Clause"),
    (&["bsd", "4"], "BSD-4-Clause"),
    (&["4", "clause", "bsd"], "BSD-4-Clause"),
    (&["original", "bsd"], "BSD-4-Clause"),
    (&["bsd"], "BSD-3-Clause"),
    (&["bsd3"], "BSD-3-Clause"),
    (&["bsd2"], "BSD-2-Clause"),
    (&["eclipse", "distribution", "license"], "BSD-3-Clause"),
    (&["isc"], "ISC"),
    (&["iscl"], "ISC"),
    (&["mozilla", "public", "license", "version", "1.1"], "MPL-1.1"),
    (&["mozilla", "public", "license", "1.1"], "MPL-1.1"),
    (&["mozilla", "public", "license", "version", "1"], "MPL-1.0"),
    (&["mozilla", "public", "license"], "MPL-2.0"),
    (&["mpl", "1.1"], "MPL-1.1"),
    (&["mpl", "2"], "MPL-2.0"),
    (&["mpl2"], "MPL-2.0"),
    (&["mplv2"], "MPL-2.0"),
    (&["eclipse", "public", "license", "version", "2"], "EPL-2.0"),
    (&["eclipse", "public", "license", "v", "2"], "EPL-2.0"),
    (&["eclipse", "public", "license", "v2"], "EPL-2.0"),
    (&["eclipse", "public", "license", "2"], "EPL-2.0"),
    (&["eclipse", "public", "license"], "EPL-1.0"),
    (&["epl", "2"], "EPL-2.0"),
    (&["epl", "1"], "EPL-1.0"),
    (
        &[
            "common",
            "development",
            "and",
            "distribution",
            "license",
            "version",
            "1.1",
        ],
        "CDDL-1.1",
    ),
    (&["common", "development", "and", "distribution", "license"], "CDDL-1.0"),
    (&["cddl", "1.1"], "CDDL-1.1"),
    (&["cddl"], "CDDL-1.0"),
    (&["common", "public", "license"], "CPL-1.0"),
    (
        &["european", "union", "public", "license", "version", "1.1"],
        "EUPL-1.1",
    ),
    (&["european", "union", "public", "license"], "EUPL-1.2"),
    (&["eupl", "1.1"], "EUPL-1.1"),
    (&["eupl"], "EUPL-1.2"),
    (&["boost", "software", "license"], "BSL-1.0"),
    (&["boost", "license"], "BSL-1.0"),
    (&["zlib", "license"], "Zlib"),
    (&["zlib", "libpng"], "Zlib"),
    (&["zlib"], "Zlib"),
    (&["unlicense"], "Unlicense"),
    (&["creative", "commons", "zero"], "CC0-1.0"),
    (&["cc0"], "CC0-1.0"),
    (&["wtfpl"], "WTFPL"),
    (&["artistic", "license", "2"], "Artistic-2.0"),
    (&["artistic", "2"], "Artistic-2.0"),
    (&["artistic"], "Artistic-1.0-Perl"),
    (&["postgresql", "license"], "PostgreSQL"),
    (&["python", "software", "foundation", "license"], "PSF-2.0"),
    (&["psf", "license"], "PSF-2.0"),
    (&["universal", "permissive", "license"], "UPL-1.0"),
    (&["blue", "oak", "model", "license"], "BlueOak-1.0.0"),
    (&["university", "of", "illinois", "ncsa"], "NCSA"),
    (&["microsoft", "public", "license"], "MS-PL"),
    (&["ms", "pl"], "MS-PL"),
    (&["zope", "public", "license"], "ZPL-2.1"),
    (&["academic", "free", "license"], "AFL-3.0"),
    (&["open", "software", "license"], "OSL-3.0"),
    (&["ruby", "license"], "Ruby"),
    (&["php", "license"], "PHP-3.01"),
    (&["public", "domain"], "LicenseRef-Public-Domain"),
];

/// Words that a bare name may have besides the name itself.
const FILLER: &[&str] = &[
    "the",
    "license",
    "licence",
    "licensed",
    "software",
    "version",
    "v",
    "2",
    "2.0",
    "1.0",
    "1",
    "3",
    "clause",
    "new",
    "revised",
    "modified",
    "style",
    "open",
    "source",
    "osi",
    "approved",
    "under",
    "gnu",
    "only",
    "public",
    "general",
    "lesser",
    "library",
    "affero",
    "or",
    "later",
    "+",
    "2.1",
    "x11",
    "file",
    "a",
    "international",
    "universal",
    "this",
    "is",
    "terms",
];

/// A name found in running text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// The SPDX id.
    pub(super) id: String,
    /// The index of its first word.
    pub(super) at: usize,
    /// The index after its last word.
    pub(super) end: usize,
}

/// The license that `text` names, when it names exactly one and says little else.
pub(super) fn license_named(text: &str) -> Option<String> {
    let words = name_words(text);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let found = names_in(&words);
    let first = found.first()?;
    let unexplained = words.iter().enumerate().any(|(at, word)| {
        let inside = found.iter().any(|name| (name.at..name.end).contains(&at));
        !inside && !FILLER.contains(word) && !word.contains("http")
    });
    (!unexplained && found.iter().all(|name| name.id == first.id)).then(|| first.id.clone())
}

/// All license names in a text, from left to right, without overlaps.
pub(super) fn names_in(words: &[&str]) -> Vec<Named> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match gnu_name(words, at).or_else(|| plain_name(words, at)) {
            Some(name) => {
                at = name.end;
                found.push(name);
            }
            None => at += 1,
        }
    }
    found
}

/// Lower-case words; a version such as `2.1` is one word, `2.0` becomes `2`, and `+` is a word.
pub(super) fn name_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let characters: Vec<char> = text.chars().collect();
    for (i, &c) in characters.iter().enumerate() {
        let next_is_digit = characters.get(i + 1).is_some_and(char::is_ascii_digit);
        let in_number = c == '.' && word.ends_with(|c: char| c.is_ascii_digit()) && next_is_digit;
        if c.is_alphanumeric() || in_number {
            word.extend(c.to_lowercase());
        } else {
            push_word(&mut words, &mut word);
            if c == '+' {
                words.push("+".to_owned());
            }
        }
    }
    push_word(&mut words, &mut word);
    words
}

fn push_word(words: &mut Vec<String>, word: &mut String) {
    if word.is_empty() {
        return;
    }
    let cut = word.strip_suffix(".0").unwrap_or(word);
    words.push(if cut == "licence" {
        "license".to_owned()
    } else {
        cut.to_owned()
    });
    word.clear();
}

fn plain_name(words: &[&str], at: usize) -> Option<Named> {
    let (name, id) = NAMES.iter().find(|(name, _)| words[at..].starts_with(name))?;
    Some(Named {
        id: (*id).to_owned(),
        at,
        end: at + name.len(),
    })
}

/// Families of the GNU licenses: the words, the id without version, and the first version there is.
const GNU: &[(&[&str], &str, &str)] = &[
    (&["affero", "general", "public", "license"], "AGPL", "3.0"),
    (&["agpl"], "AGPL", "3.0"),
    (&["lesser", "general", "public", "license"], "LGPL", "2.0"),
    (&["library", "general", "public", "license"], "LGPL", "2.0"),
    (&["lesser", "gpl"], "LGPL", "2.0"),
    (&["lgpl"], "LGPL", "2.0"),
    (&["general", "public", "license"], "GPL", "1.0"),
    (&["gpl"], "GPL", "1.0"),
];

/// Versions that exist, as they are written and as SPDX writes them.
const GNU_VERSIONS: [(&str, &str); 4] = [("1", "1.0"), ("2", "2.0"), ("2.1", "2.1"), ("3", "3.0")];

/// How many words after a GNU name its version and `or later` may stand.
const GNU_VERSION_REACH: usize = 24;

fn gnu_name(words: &[&str], at: usize) -> Option<Named> {
    let (family, first, name_end, glued) = gnu_family(words, at)?;
    let reach = &words[name_end..words.len().min(name_end + GNU_VERSION_REACH)];
    // Another name ends the reach of this one.
    let reach_end = (0..reach.len())
        .find(|&i| gnu_family(reach, i).is_some())
        .unwrap_or(reach.len());
    let reach = &reach[..reach_end];
    let version = glued.or_else(|| {
        reach.iter().enumerate().take(12).find_map(|(i, word)| {
            let number = word.strip_prefix('v').unwrap_or(word);
            spdx_version(number).map(|version| (version, i + 1))
        })
    });
    let (version, used) = version.unzip();
    let used = used.unwrap_or(0);
    let rest = &reach[used.min(reach.len())..];
    let plus = rest.first() == Some(&"+");
    let later = rest.iter().take(16).position(|word| matches!(*word, "later" | "newer"));
    let suffix = if plus || later.is_some() || version.is_none() {
        "or-later"
    } else {
        "only"
    };
    let version = version.unwrap_or(first);
    let id = format!("{family}-{version}-{suffix}");
    let end = name_end + used + if plus { 1 } else { later.map_or(0, |at| at + 1) };
    spdx::license_id(&id).map(|_| Named { id, at, end })
}

type Glued = Option<(&'static str, usize)>;

/// A GNU family at `at`, with the index after its words, and the version when it is glued to the name (`gplv3`).
fn gnu_family(words: &[&str], at: usize) -> Option<(&'static str, &'static str, usize, Glued)> {
    GNU.iter().find_map(|(name, family, first)| {
        if words[at..].starts_with(name) {
            return Some((*family, *first, at + name.len(), None));
        }
        let [name] = name else { return None };
        let rest = words[at].strip_prefix(name)?;
        let version = spdx_version(rest.strip_prefix('v').unwrap_or(rest))?;
        Some((*family, *first, at + 1, Some((version, 0))))
    })
}

fn spdx_version(number: &str) -> Option<&'static str> {
    GNU_VERSIONS
        .iter()
        .find(|(written, _)| *written == number)
        .map(|(_, version)| *version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_maps_to_a_real_id() {
        for (_, id) in NAMES {
            assert!(spdx::license_id(id).is_some() || id.starts_with("LicenseRef-"), "{id}");
        }
    }

    #[test]
    fn bare_names() {
        let check =
            |text: &str, expected: Option<&str>| assert_eq!(license_named(text).as_deref(), expected, "{text:?}");
        check("MIT License", Some("MIT"));
        check("The Apache Software License, Version 2.0", Some("Apache-2.0"));
        check("GNU General Public License v3.0", Some("GPL-3.0-only"));
        check(
            "GNU General Public License, version 2 or later",
            Some("GPL-2.0-or-later"),
        );
        check(
            "GNU Lesser General Public License v2.1 or later",
            Some("LGPL-2.1-or-later"),
        );
        check("LGPLv3+", Some("LGPL-3.0-or-later"));
        check("AGPL-3.0", Some("AGPL-3.0-only"));
        check("GPL", Some("GPL-1.0-or-later"));
        check("New BSD License", Some("BSD-3-Clause"));
        check("Eclipse Public License - v 2.0", Some("EPL-2.0"));
        check("Mozilla Public License 2.0 (MPL 2.0)", Some("MPL-2.0"));
        check("MIT with restrictions", None);
        check("Commercial", None);
        check("", None);
    }

    #[test]
    fn names_in_running_text_do_not_overlap() {
        let words = name_words("under the GNU GPL version 2 or (at your option) any later version, or the MIT license");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let ids: Vec<String> = names_in(&words).into_iter().map(|name| name.id).collect();
        assert_eq!(ids, ["GPL-2.0-or-later", "MIT"]);
    }
}
