//! The language that an Emacs or Vim modeline names.

use memchr::memmem;

/// Lines at each end of a file that may hold a modeline (linguist's `SEARCH_SCOPE`).
const LINES: usize = 5;
/// Bytes at each end that are looked at, so that a file of one long line costs no more than others.
const SCOPE: usize = 2048;

/// The mode or file type in lower case, by linguist's order: an Emacs modeline before a Vim one.
pub(super) fn alias(text: &str) -> Option<String> {
    let head = &text[..text.floor_char_boundary(SCOPE)];
    let head = &head[..head
        .match_indices('\n')
        .nth(LINES - 1)
        .map_or(head.len(), |(end, _)| end)];
    let tail = &text[text.ceil_char_boundary(text.len().saturating_sub(SCOPE))..];
    let trimmed = tail.strip_suffix('\n').unwrap_or(tail);
    let tail = &trimmed[trimmed
        .rmatch_indices('\n')
        .nth(LINES - 1)
        .map_or(0, |(start, _)| start + 1)..];
    if memmem::find(head.as_bytes(), b"UseVimball").is_some() {
        return None;
    }
    let found = [head, tail].into_iter().find_map(emacs);
    found
        .or_else(|| [head, tail].into_iter().find_map(vim))
        .map(str::to_lowercase)
}

/// `-*- ruby -*-` or `-*- foo: bar; mode: ruby -*-`.
fn emacs(text: &str) -> Option<&str> {
    let start = memmem::find(text.as_bytes(), b"-*-")? + 3;
    let line = text[start..].lines().next()?;
    let inner = line[..line.find("-*-")?].trim();
    if !inner.contains(':') {
        let is_one_word = !inner.is_empty() && !inner.contains([' ', '\t', ';']);
        return is_one_word.then_some(inner);
    }
    inner.split(';').find_map(|variable| {
        let (name, value) = variable.split_once(':')?;
        // Variables may also be set apart by blanks: the last word before the colon is the name.
        let name = name.split_ascii_whitespace().next_back()?;
        name.eq_ignore_ascii_case("mode")
            .then(|| value.trim())
            .filter(|mode| !mode.is_empty())
    })
}

/// `vim: set ft=ruby:` and its kin.
fn vim(text: &str) -> Option<&str> {
    // Every Vim modeline holds one of these two letters before the colon.
    if memmem::find(text.as_bytes(), b"vi").is_none()
        && memmem::find(text.as_bytes(), b"Vi").is_none()
        && memmem::find(text.as_bytes(), b"ex:").is_none()
    {
        return None;
    }
    text.lines().find_map(|line| {
        let options = ["vim:", "vi:", "Vim:", "ex:"].into_iter().find_map(|mark| {
            let at = line.find(mark)?;
            let starts_word = if at == 0 {
                mark != "ex:"
            } else {
                matches!(line.as_bytes()[at - 1], b' ' | b'\t')
            };
            starts_word.then(|| &line[at + mark.len()..])
        })?;
        options.split([' ', '\t', ':']).find_map(|option| {
            let (name, value) = option.split_once('=')?;
            let names_type = matches!(name, "ft" | "filetype" | "syntax");
            let is_word = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            (names_type && is_word).then_some(value)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modelines() {
        let cases = [
            ("# -*- Ruby -*-\nx", Some("ruby")),
            ("/* -*- mode: C++; tab-width: 4 -*- */", Some("c++")),
            ("; -*- coding: utf-8; Mode: Lisp -*-", Some("lisp")),
            ("# -*- coding: utf-8 -*-", None),
            ("x = 1 -*- y", None),
            ("a\nb\n# vim: set ft=perl ts=4:\n", Some("perl")),
            ("# vim:ft=sh:et", Some("sh")),
            ("# vi: filetype=python", Some("python")),
            ("let devim: ft=sh", None),
            ("index: ft=sh", None),
            ("1\n2\n3\n4\n5\n# vim: ft=sh\n7\n8\n9\n10\n11\n12\n", None),
            ("UseVimball\n\" vim: ft=vim\n", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(alias(text).as_deref(), expected, "{text:?}");
        }
    }
}
