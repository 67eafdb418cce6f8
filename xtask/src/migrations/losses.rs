//! Whether a migration's way down says what is lost: a line `-- loses: TABLE[, TABLE...]` or `-- loses: nothing`, which is
//! shown before it runs. So is a table that it renames: `-- renames: NOW to BEFORE`.

use std::collections::BTreeSet;

use super::Files;

/// How the line starts.
const HEADER: &str = "-- loses: ";

/// How the line about new names starts.
const RENAMES: &str = "-- renames: ";

/// What the line names when there is nothing.
const NOTHING: &str = "nothing";

/// Checks every way down.
pub(super) fn check(files: &Files) -> Vec<String> {
    let downs = files.iter().filter(|(path, _)| path.ends_with(".down.sql"));
    downs
        .filter_map(|(path, text)| Some(format!("{path}: {}", fault(text)?)))
        .collect()
}

/// What is wrong with one.
fn fault(sql: &str) -> Option<String> {
    let mut headers = sql.lines().filter_map(|line| line.strip_prefix(HEADER));
    let lost = lost_tables(sql);
    let mut expected: Vec<&str> = lost.iter().map(String::as_str).collect();
    if expected.is_empty() {
        expected.push(NOTHING);
    }
    let expected_line = expected.join(", ");
    let (Some(header), None) = (headers.next(), headers.next()) else {
        return Some(format!("expected one line `{HEADER}{expected_line}`"));
    };
    let mut named: Vec<&str> = header.split(',').map(str::trim).collect();
    named.sort_unstable();
    if named != expected {
        return Some(format!(
            "expected `{HEADER}{expected_line}` by what it drops; found `{HEADER}{header}`"
        ));
    }
    let expected = renames(sql).join(", ");
    let named = sql.lines().find_map(|line| line.strip_prefix(RENAMES));
    (named.unwrap_or_default() != expected).then(|| format!("expected one line `{RENAMES}{expected}`"))
}

/// `NOW to BEFORE` of each table that gets another name and keeps it.
fn renames(sql: &str) -> Vec<String> {
    let tokens = tokens(sql);
    let statements: Vec<Vec<&str>> = statements(&tokens);
    let renamed = statements.iter().filter_map(|words| renamed(words));
    renamed
        .filter(|(_, to)| !statements.iter().any(|words| words.starts_with(&["drop", "table", to])))
        .map(|(from, to)| format!("{from} to {to}"))
        .collect()
}

fn statements(tokens: &[String]) -> Vec<Vec<&str>> {
    let statements = tokens.split(|token| token == ";");
    statements
        .map(|words| words.iter().map(String::as_str).collect())
        .collect()
}

/// The old and the new name of a table.
fn renamed<'a>(words: &[&'a str]) -> Option<(&'a str, &'a str)> {
    match words {
        ["alter", "table", from, "rename", "to", to] => Some((from, to)),
        _ => None,
    }
}

/// Whether a dropped table only held the rows of another while that was made anew: `ALTER TABLE a RENAME TO b`, then
/// `INSERT INTO a … FROM b`.
fn was_copied_back(statements: &[Vec<&str>], dropped: &str) -> bool {
    let mut names = statements.iter().filter_map(|words| renamed(words));
    names.any(|(from, to)| {
        let copies = |words: &Vec<&str>| words.starts_with(&["insert", "into", from]) && words.ends_with(&["from", to]);
        to == dropped && statements.iter().any(copies)
    })
}

/// The tables that are dropped, or of which a column is.
fn lost_tables(sql: &str) -> BTreeSet<String> {
    let tokens = tokens(sql);
    let mut lost = BTreeSet::new();
    let statements = statements(&tokens);
    for words in &statements {
        match words.as_slice() {
            ["drop", "table", names @ ..] => {
                let names = skip(names, &["if", "exists"]).iter();
                let is_name = |word: &&&str| ![",", "cascade", "restrict"].contains(*word);
                lost.extend(names.filter(is_name).map(|&name| name.to_owned()));
            }
            ["alter", "table", rest @ ..] => {
                let [table, changes @ ..] = skip(skip(rest, &["if", "exists"]), &["only"]) else {
                    continue;
                };
                if changes.split(|&word| word == ",").any(drops_column) {
                    lost.insert((*table).to_owned());
                }
            }
            _ => {}
        }
    }
    lost.retain(|table| !was_copied_back(&statements, table));
    lost
}

/// Whether a clause is `DROP [COLUMN] …`.
fn drops_column(clause: &[&str]) -> bool {
    matches!(clause, ["drop", what, ..] if *what != "constraint")
}

fn skip<'a, 'b>(words: &'a [&'b str], prefix: &[&'b str]) -> &'a [&'b str] {
    words.strip_prefix(prefix).unwrap_or(words)
}

/// The words and signs of SQL, words in lower case unless they are quoted; without comments and texts.
fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            _ if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            _ if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' => quoted(rest).len() + 2,
            '"' => {
                tokens.push(quoted(rest).to_owned());
                quoted(rest).len() + 2
            }
            _ if is_word(first) => {
                let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
                tokens.push(rest[..length].to_lowercase());
                length
            }
            sign => {
                tokens.push(sign.to_string());
                sign.len_utf8()
            }
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    tokens
}

/// What stands between the quotation mark at the start and the next one. A doubled mark inside makes it two texts, which is
/// as good here.
fn quoted(text: &str) -> &str {
    let inside = &text[1..];
    &inside[..inside.find(&text[..1]).unwrap_or(inside.len())]
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '.'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_found_in_the_statements_that_drop_them() {
        let check = |sql: &str, expected: &[&str]| {
            let found = lost_tables(sql);
            assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "{sql}");
        };
        check("DROP TABLE b;\ndrop table a", &["a", "b"]);
        check("DROP TABLE IF EXISTS a, B CASCADE;", &["a", "b"]);
        check("DROP TABLE \"A\";", &["A"]);
        check("ALTER TABLE a DROP COLUMN b;", &["a"]);
        check(
            "ALTER TABLE IF EXISTS ONLY a ADD c int, DROP IF EXISTS b RESTRICT;",
            &["a"],
        );
        check("ALTER TABLE a DROP CONSTRAINT b;", &[]);
        check("ALTER TABLE a ALTER COLUMN b DROP NOT NULL, RENAME TO c;", &[]);
        check("DROP INDEX a; CREATE TABLE b (c text); DELETE FROM d;", &[]);
        check(
            "-- DROP TABLE a;\n/* DROP TABLE b; */ SELECT 'x''; DROP TABLE c;', \"DROP TABLE d\";",
            &[],
        );
        check("SELECT 'open", &[]);
        check("/* open", &[]);
        check("ALTER TABLE", &[]);
        check("DROP TABLE", &[]);
    }

    #[test]
    fn the_header_names_what_is_dropped_and_nothing_else() {
        let check = |sql: &str, expected: Option<&str>| assert_eq!(fault(sql).as_deref(), expected, "{sql}");
        check("-- loses: a\nDROP TABLE a;", None);
        check(
            "-- why\n-- loses: b, a\nDROP TABLE a;\nALTER TABLE b DROP COLUMN c;",
            None,
        );
        check("-- loses: nothing\nDROP INDEX a;", None);
        check("DROP TABLE a;", Some("expected one line `-- loses: a`"));
        check("DROP INDEX a;", Some("expected one line `-- loses: nothing`"));
        check(
            "-- loses: a\n-- loses: a\nDROP TABLE a;",
            Some("expected one line `-- loses: a`"),
        );
        let wrong = |expected: &str, found: &str| {
            format!("expected `-- loses: {expected}` by what it drops; found `-- loses: {found}`")
        };
        check("-- loses: nothing\nDROP TABLE a;", Some(&wrong("a", "nothing")));
        check("-- loses: a, a\nDROP TABLE a, b;", Some(&wrong("a, b", "a, a")));
        check("-- loses: a, b, a\nDROP TABLE a, b;", Some(&wrong("a, b", "a, b, a")));
        check("-- loses: a\nDROP INDEX a;", Some(&wrong("nothing", "a")));
    }

    #[test]
    fn a_table_that_is_made_anew_with_its_rows_is_not_lost() {
        let anew =
            "ALTER TABLE a RENAME TO b; CREATE TABLE a (x int); INSERT INTO a (x) SELECT x FROM b; DROP TABLE b;";
        assert!(lost_tables(anew).is_empty());
        assert!(renames(anew).is_empty());
        let emptied = anew.replace("INSERT INTO a (x) SELECT x FROM b;", "");
        assert_eq!(lost_tables(&emptied).into_iter().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn new_names_of_tables_are_told() {
        let check = |sql: &str, expected: Option<&str>| assert_eq!(fault(sql).as_deref(), expected, "{sql}");
        let sql = "-- loses: nothing\nALTER TABLE a RENAME TO b;";
        check(sql, Some("expected one line `-- renames: a to b`"));
        check(&format!("-- renames: a to b\n{sql}"), None);
        check(
            "-- loses: nothing\n-- renames: a to b\nSELECT 1;",
            Some("expected one line `-- renames: `"),
        );
        check("-- loses: nothing\nALTER TABLE a RENAME COLUMN b TO c;", None);
    }

    #[test]
    fn only_the_ways_down_are_looked_at() {
        let file = |path: &str| (path.to_owned(), "DROP TABLE a;".to_owned());
        let files = Files::from([file("sqlite/0001_a.up.sql"), file("sqlite/0001_a.down.sql")]);
        assert_eq!(
            check(&files),
            ["sqlite/0001_a.down.sql: expected one line `-- loses: a`"]
        );
    }
}
