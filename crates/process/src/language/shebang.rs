//! The interpreter that a script names in its first line.

/// How many lines a shell script may take to hand itself to another interpreter (linguist).
const EXEC_LINES: usize = 5;

/// The base name of the interpreter: `python3` for `#!/usr/bin/env -S python3.11 -u`, a trailing `.digits` removed.
pub(super) fn interpreter(text: &str) -> Option<String> {
    let line = text.strip_prefix("#!")?.lines().next()?;
    let mut words = line.split_ascii_whitespace();
    let path = words.next()?;
    let mut script = base_name(path);
    if script == "env" {
        script = base_name(words.find(|word| !word.starts_with('-') && !word.contains('='))?);
    }
    if script == "osascript" && words.any(|word| word.starts_with("-l")) {
        return None;
    }
    let script = without_minor_version(script);
    if script == "sh" {
        return Some(exec_target(text).unwrap_or(script).to_owned());
    }
    Some(script.to_owned())
}

fn base_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// `python2.6` to `python2`; `python` and `lua5.1.x` stay.
fn without_minor_version(script: &str) -> &str {
    match script.rsplit_once('.') {
        Some((stem, minor)) if !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit()) => stem,
        _ => script,
    }
}

/// The program of an `exec NAME "$0" "$@"` in the first lines: a script of another language in a shell's clothes.
fn exec_target(text: &str) -> Option<&str> {
    text.lines().take(EXEC_LINES).find_map(|line| {
        let (_, rest) = line.split_once("exec ")?;
        let (name, rest) = rest.split_once(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\''))?;
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\''));
        let rest = rest.strip_prefix("$0")?;
        let arguments = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '"' | '\''));
        let is_word = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        (is_word && arguments.len() < rest.len() && arguments.starts_with("$@")).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interpreters() {
        let cases = [
            ("#!/bin/sh\n", Some("sh")),
            ("#! /usr/bin/perl -w", Some("perl")),
            ("#!/usr/bin/python2.6\n", Some("python2")),
            ("#!/usr/bin/env python3\n", Some("python3")),
            ("#!/usr/bin/env -S FOO=1 node --x\n", Some("node")),
            ("#!/usr/bin/env\n", None),
            ("#!\n", None),
            ("#!/bin/sh\nexec ruby \"$0\" \"$@\"\n", Some("ruby")),
            ("#!/bin/sh\nexec ruby \"$1\"\n", Some("sh")),
            ("#!/usr/bin/osascript -l JavaScript\n", None),
            ("#!/usr/bin/osascript\n", Some("osascript")),
            ("#![allow(x)]\n", Some("[allow(x)]")),
            ("x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(interpreter(text).as_deref(), expected, "{text:?}");
        }
    }
}
