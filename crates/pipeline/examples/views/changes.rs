//! Changes that are planted in real files. None of them uses what is measured: they go by lines and words.

use std::collections::HashMap;

use crate::corpus::File;

/// What makes a text and its changed twin of a file; none where the file has nothing to change.
type Change = fn(&File) -> Option<(String, String)>;

pub(crate) const CHANGES: [(&str, Change); 14] = [
    ("indented with tabs", |file| {
        changed(file, file.text.replace("    ", "\t"))
    }),
    ("lines broken after commas and brackets", |file| {
        changed(file, broken(file))
    }),
    ("comment lines removed", |file| {
        changed(
            file,
            by_line(file, |_, line| (!is_comment(file, line)).then(|| line.to_owned())),
        )
    }),
    ("a comment line added to every third line", |file| {
        changed(
            file,
            by_line(file, |n, line| {
                Some(match n % 3 {
                    0 => format!("{} step {n} of it: look at what comes next\n{line}", mark(file)),
                    _ => line.to_owned(),
                })
            }),
        )
    }),
    ("comment lines translated", |file| {
        changed(
            file,
            by_line(file, |_, line| {
                Some(if is_comment(file, line) {
                    reversed_words(line)
                } else {
                    line.to_owned()
                })
            }),
        )
    }),
    ("license header of 11 lines replaced by one of 18", |file| {
        Some((
            header(file, 11, "granted") + &file.text,
            header(file, 18, "permitted") + &file.text,
        ))
    }),
    ("one identifier renamed", |file| {
        let name = frequent_identifier(&file.text)?;
        changed(
            file,
            words(&file.text, |word| {
                if word == name {
                    "renamed_thing".to_owned()
                } else {
                    word.to_owned()
                }
            }),
        )
    }),
    ("all identifiers renamed", |file| {
        changed(
            file,
            words(&file.text, |word| {
                if is_identifier(word) {
                    format!("{word}_x")
                } else {
                    word.to_owned()
                }
            }),
        )
    }),
    ("all numbers changed", |file| {
        changed(
            file,
            words(&file.text, |word| {
                let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
                if is_number { format!("{word}7") } else { word.to_owned() }
            }),
        )
    }),
    ("1 % of the lines replaced", |file| changed(file, replaced(file, 100))),
    ("5 % of the lines replaced", |file| changed(file, replaced(file, 20))),
    ("10 % of the lines replaced", |file| changed(file, replaced(file, 10))),
    ("20 % of the lines replaced", |file| changed(file, replaced(file, 5))),
    ("the second half replaced by another file's", |file| {
        let lines: Vec<&str> = file.text.lines().collect();
        let half = lines[..lines.len() / 2].join("\n");
        let other = by_line(file, |n, _| (n % 2 == 0).then(|| fresh(n)));
        changed(file, format!("{half}\n{other}"))
    }),
];

fn changed(file: &File, after: String) -> Option<(String, String)> {
    (after != file.text).then(|| (file.text.clone(), after))
}

fn by_line(file: &File, change: impl Fn(usize, &str) -> Option<String>) -> String {
    let lines = file.text.lines().enumerate();
    let lines: Vec<String> = lines.filter_map(|(n, line)| change(n, line)).collect();
    lines.join("\n")
}

fn mark(file: &File) -> &'static str {
    match file.language {
        "Python" | "Shell" => "#",
        _ => "//",
    }
}

/// A line that is a comment as a whole, block comments by their usual stars.
fn is_comment(file: &File, line: &str) -> bool {
    let line = line.trim_start();
    let starred = mark(file) == "//" && (line.starts_with("/*") || line.starts_with("* ") || line.starts_with("*/"));
    (line.starts_with(mark(file)) || starred) && !line.starts_with("#!") && !(starred && line.contains("*/ "))
}

fn broken(file: &File) -> String {
    by_line(file, |_, line| {
        let plain = !line.contains(['"', '\'', '`', '#', '\\']) && !line.contains("//") && !line.contains('*');
        Some(if plain {
            line.replace(',', ",\n").replace('(', "(\n")
        } else {
            line.to_owned()
        })
    })
}

fn header(file: &File, lines: usize, word: &str) -> String {
    let line = |n: usize| {
        format!(
            "{} Use of part {n} is {word} to anyone who keeps notice {n} and clause {}, without warranty of kind {n}\n",
            mark(file),
            n + 1
        )
    };
    (0..lines).map(line).collect()
}

fn reversed_words(line: &str) -> String {
    words(line, |word| word.chars().rev().collect())
}

fn fresh(n: usize) -> String {
    format!("    edited_{n} = compute_{n}(value_{n}, {n});")
}

fn replaced(file: &File, every: usize) -> String {
    by_line(file, |n, line| {
        Some(if n % every == every / 2 {
            fresh(n)
        } else {
            line.to_owned()
        })
    })
}

/// The text with every word changed.
fn words(text: &str, change: impl Fn(&str) -> String) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        out.push_str(&rest[..start]);
        let end = rest[start..]
            .find(|c| !is_word(c))
            .map_or(rest.len(), |length| start + length);
        out.push_str(&change(&rest[start..end]));
        rest = &rest[end..];
    }
    out + rest
}

/// Words that a person who renames would not touch.
const KEYWORDS: &[&str] = &[
    "as", "async", "auto", "await", "bool", "break", "case", "char", "class", "const", "continue", "crate", "def",
    "default", "define", "del", "do", "double", "elif", "else", "endif", "enum", "except", "extern", "false",
    "finally", "float", "fn", "for", "from", "func", "function", "global", "goto", "if", "ifdef", "ifndef", "impl",
    "import", "in", "include", "int", "is", "lambda", "let", "long", "loop", "match", "mod", "move", "mut", "not",
    "or", "and", "pass", "pub", "raise", "ref", "return", "self", "short", "signed", "sizeof", "static", "struct",
    "super", "switch", "trait", "true", "try", "type", "typedef", "union", "unsafe", "unsigned", "use", "var", "void",
    "where", "while", "with", "yield", "None", "True", "False", "Self",
];

fn is_identifier(word: &str) -> bool {
    !word.starts_with(|c: char| c.is_ascii_digit()) && !KEYWORDS.contains(&word)
}

fn frequent_identifier(text: &str) -> Option<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in text
        .split(|c| !is_word(c))
        .filter(|word| word.len() > 2 && is_identifier(word))
    {
        *counts.entry(word).or_default() += 1;
    }
    counts
        .into_iter()
        .max_by_key(|(word, count)| (*count, *word))
        .map(|(word, _)| word)
}
