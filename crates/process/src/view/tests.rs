use proptest::prelude::*;

use super::*;

/// The words and single punctuation characters of a text, as deduplication cuts it.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii();
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (token, after) = rest.split_at(word.max(usize::from(!is_word(first))));
        tokens.push(token);
        rest = after.trim_start();
    }
    tokens
}

fn check(view: View, language: &str, text: &str, expected: &str) {
    let seen = view.of(Some(language), text);
    assert_eq!(tokens(&seen), tokens(expected), "{language}: {text:?} seen as {seen:?}");
}

#[test]
fn comments_are_left_out_wherever_they_stand() {
    let check = |language, text, expected| check(View::Code, language, text, expected);
    check("C", "// a\nint x; // b\n/* c\n * d */ int /**/ y;", "int x; int y;");
    check("C", "a/**/b", "a b");
    check("Rust", "/* a /* b */ c */ fn f() {} /// doc\n//! more", "fn f() {}");
    check("C", "/* a /* b */ c", "c");
    check("Python", "#!/bin/sh\nx = 1 # one\n#", "x = 1");
    check("Shell", "a=$# # count\nb=${a#x} # c", "a=$#\nb=${a#x}");
    check("Haskell", "f = g -- a\n{- b {- c -} -} h", "f = g h");
    check("Lua", "--[[ a\n]] x = 1 -- b", "x = 1");
    check("SQL", "SELECT 1 -- a\n/* b */ + 2", "SELECT 1 + 2");
    check("HTML", "<p><!-- a\n b --></p>", "<p></p>");
    check("TeX", "50\\% off % a", "50\\% off");
    check("Emacs Lisp", "(a) ; b\n(c \";\")", "(a) (c \";\")");
}

#[test]
fn what_looks_like_a_comment_in_a_literal_stays() {
    let same = |language, text| check(View::Code, language, text, text);
    same("C", r#"a = "// no"; b = "\"/*"; c = '"'; d = '\''; e = "*/";"#);
    same("C++", r#"auto s = R"x(" // no )" )x"; int n = 1'000'000;"#);
    same("C#", r#"var p = @"C:\"; var u = "http://x";"#);
    same(
        "Rust",
        r##"let a = r#"" // no"#; let b = '"'; fn f<'a>(x: &'a str) -> &'static str { "//" }"##,
    );
    same("Rust", "let a = \"over\n// lines\"; let b = b'\\''; let c = \"'//\";");
    same("Go", "a := `\\`; b := \"//\"; c := `//\n//`");
    same(
        "JavaScript",
        "a = /[/*]\"/; b = `//`; c = x / y; return /'/g; d = 'it\\'s //'",
    );
    same("Python", "a = '#'; b = \"\"\"# no\n# no\"\"\"; c = '''#'''");
    same("Shell", "echo \"# no\" '# no' \\# a#b");
    same("SQL", "SELECT '--', \"--\", 'it''s --'");
    same("YAML", "a: \"# no\"\nb: c#d");
}

#[test]
fn a_license_header_is_gone() {
    let header = "/*\n * Copyright 2020 A\n *\n * Licensed under the \"MIT\" license; don't panic.\n */\n";
    for language in ["C", "Rust", "JavaScript", "Go", "Java", "CSS", "C++", "PHP"] {
        check(View::Code, language, &format!("{header}x = 1;"), "x = 1;");
    }
    let header = "# Copyright 2020 A\n# Don't panic.\n\n";
    for language in ["Python", "Shell", "Ruby", "YAML", "Makefile"] {
        check(View::Code, language, &format!("{header}x = 1"), "x = 1");
    }
}

#[test]
fn docstrings_are_comments_and_other_strings_are_not() {
    check(
        View::Code,
        "Python",
        "# a\n\"\"\"Module.\"\"\"\nx = \"\"\"value\"\"\"\ndef f():\n    r'''Doc\n    \\d\n    '''\n    return 1\n",
        "x = \"\"\"value\"\"\"\ndef f():\n    return 1\n",
    );
    check(View::Code, "TOML", "\"\"\"a\"\"\" = 1", "\"\"\"a\"\"\" = 1");
}

#[test]
fn what_is_not_closed_takes_nothing_away() {
    let same = |language, text| check(View::Code, language, text, text);
    same("C", "a /* b \n c");
    same("C", "#error don't use this\nint x;");
    same("Python", "a = \"\"\"b # c\n# d");
    same("Rust", "let a = \"b // c\n");
    check(
        View::Code,
        "C",
        "char *s = \"open\nint x; // a",
        "char *s = \"open\nint x;",
    );
    check(View::Code, "Rust", "/* a /* b */ c", "c");
}

#[test]
fn unknown_languages_are_text() {
    for language in [None, Some("Klingon"), Some("Markdown"), Some("JSON"), Some("Assembly")] {
        for view in [View::Text, View::Code, View::Structure] {
            let text = "// a\n# b http://c /* d */ \"e\"";
            assert!(matches!(view.of(language, text), Cow::Borrowed(same) if same == text));
        }
    }
    let mixed = "<p style='color: #fff'>don't</p><?php /* a */ ?>";
    assert_eq!(View::Code.of(Some("PHP"), mixed), mixed);
}

#[test]
fn a_text_without_comments_is_borrowed() {
    let text = "fn main() { print!(\"{}\", 'x') }";
    assert!(matches!(View::Code.of(Some("Rust"), text), Cow::Borrowed(same) if same == text));
}

#[test]
fn structure_is_what_stays_when_everything_is_renamed() {
    check(
        View::Structure,
        "Rust",
        "// a\nfn add(left: u8) -> u8 { return left + 0x1f; } \"x y\"",
        "fn a(a: a) -> a { return a + 0; } \"\"",
    );
    let one = View::Structure.of(Some("C"), "int f(int a) { return a * 2; }");
    let two = View::Structure.of(Some("C"), "int größe(int b) { return b * 37; }");
    assert_eq!(one, two);
}

#[test]
fn views_have_short_names_in_settings() {
    for (view, name) in [
        (View::Text, "text"),
        (View::Code, "code"),
        (View::Structure, "structure"),
    ] {
        assert_eq!(serde_json::to_string(&view).unwrap(), format!("\"{name}\""));
    }
}

const LANGUAGES: [&str; 20] = [
    "C",
    "C++",
    "C#",
    "Rust",
    "Go",
    "Java",
    "JavaScript",
    "Python",
    "Shell",
    "Ruby",
    "PHP",
    "Haskell",
    "Lua",
    "SQL",
    "YAML",
    "TOML",
    "HTML",
    "Elixir",
    "Julia",
    "Racket",
];

/// Pieces that meet in every way: marks, quotes, what they may be taken for.
fn messy() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "//", "/*", "*/", "#", "--", "\"", "'", "`", "\\", "\n", " ", "r", "R", "b", "@", "(", ")", "a", "x1", "é",
        "/", "\"\"\"", "'''", "#|", "|#", "{-", "-}", "<!--", "-->", "--[[", "]]", "=", ":", "return", "[", "=begin",
        "=end", "#=", "=#", "$",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// Tokens of a language of C's family, literals that hide marks among them.
fn code_tokens() -> impl Strategy<Value = Vec<&'static str>> {
    let token = prop::sample::select(vec![
        "fn",
        "x",
        "größe",
        "1",
        "0x1f",
        "(",
        ")",
        "{",
        "}",
        ";",
        "+",
        "==",
        "->",
        "\"s\"",
        "\"// no\"",
        "\"/* no\"",
        "'\"'",
        "'/'",
        "\"\\\"\"",
    ]);
    prop::collection::vec(token, 0..40)
}

#[test]
fn a_character_does_not_go_over_a_comment() {
    for text in [r#"'''\x1/*"""//*//*'"#, r"'\/*0123456789*/'"] {
        let code = View::Code.of(Some("C"), text);
        assert_eq!(View::Code.of(Some("C"), &code), code, "{text}");
        assert_eq!(
            View::Structure.of(Some("C"), &code),
            View::Structure.of(Some("C"), text),
            "{text}"
        );
    }
}

proptest! {
    #[test]
    fn any_text_is_seen_and_seen_again_alike(text in messy(), language in prop::sample::select(&LANGUAGES[..])) {
        let code = View::Code.of(Some(language), &text);
        prop_assert!(code.len() <= text.len());
        prop_assert_eq!(&View::Code.of(Some(language), &code), &code, "{} {:?}", language, text);
        let structure = View::Structure.of(Some(language), &text);
        prop_assert_eq!(View::Structure.of(Some(language), &code), structure);
    }

    #[test]
    fn without_marks_the_code_is_the_text(text in "[^/#\\-*{;%<!=]*", language in prop::sample::select(&LANGUAGES[..])) {
        prop_assume!(language != "Python" || !(text.contains("\"\"\"") || text.contains("'''")));
        prop_assert_eq!(View::Code.of(Some(language), &text), text.as_str());
    }

    #[test]
    fn comments_and_blanks_between_tokens_change_nothing(
        tokens_in in code_tokens(),
        between in prop::collection::vec(prop::sample::select(vec![
            " ", "\n", "\t\t", "\r\n  ", " // \"it's /* \n", "/* don't \" // */", "\n/**\n * doc\n */\n", "//\n",
        ]), 40),
        language in prop::sample::select(vec!["C", "C++", "C#", "Rust", "Go", "Java", "JavaScript"]),
    ) {
        let plain = tokens_in.join(" ");
        let dressed: String = between.iter().zip(&tokens_in).flat_map(|(gap, token)| [*gap, *token]).collect();
        for view in [View::Code, View::Structure] {
            let (plain, dressed) = (view.of(Some(language), &plain), view.of(Some(language), &dressed));
            prop_assert_eq!(tokens(&plain), tokens(&dressed), "{} {:?}", language, tokens_in);
        }
    }
}
