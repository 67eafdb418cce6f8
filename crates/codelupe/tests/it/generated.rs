//! Generated pages are those of this program: `CODELUPE_BLESS=1 cargo test -p codelupe generated` writes them anew.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::fixture::Bench;

#[test]
fn the_settings_page_is_up_to_date() {
    check("settings.toml", &Bench::new().text(&["config"]));
}

#[test]
fn the_command_page_is_up_to_date() {
    let bench = Bench::new();
    let overview = bench.text(&["--help"]);
    let mut page = format!("# Commands\n\n```text\n{overview}```\n");
    assert!(commands(&overview).len() > 10, "{overview}");
    for command in commands(&overview) {
        let help = bench.text(&[command, "--help"]);
        write!(page, "\n## codelupe {command}\n\n```text\n{help}```\n").unwrap();
        for below in commands(&help) {
            let help = bench.text(&[command, below, "--help"]);
            // What holds for every command is said once, above.
            let own = help.split("\nOptions:\n").next().unwrap_or(&help);
            let options = help.lines().skip_while(|line| *line != "Options:").skip(1);
            let own_options: Vec<&str> = options.take_while(|line| !line.contains("--data <FOLDER>")).collect();
            write!(page, "\n### codelupe {command} {below}\n\n```text\n{own}").unwrap();
            if !own_options.is_empty() {
                write!(page, "\nOptions:\n{}\n", own_options.join("\n").trim_end()).unwrap();
            }
            page.push_str("```\n");
        }
    }
    let page: Vec<&str> = page.lines().map(str::trim_end).collect();
    check("cli.md", &(page.join("\n") + "\n"));
}

/// The commands that a help text lists; lines that go on with a description stand further in.
fn commands(help: &str) -> Vec<&str> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.strip_prefix("  "));
    let names = lines
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_whitespace().next());
    names.filter(|name| *name != "help").collect()
}

fn check(name: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
    if std::env::var_os("CODELUPE_BLESS").is_some() {
        fs::write(&path, expected).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == expected,
        "docs/{name} is out of date: CODELUPE_BLESS=1 cargo test -p codelupe generated"
    );
}
