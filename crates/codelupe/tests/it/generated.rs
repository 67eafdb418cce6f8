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
    let commands = overview.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands: Vec<&str> = commands.map_while(|line| line.split_whitespace().next()).collect();
    assert!(commands.len() > 10, "{overview}");
    let mut page = format!("# Commands\n\n```text\n{overview}```\n");
    for command in commands.into_iter().filter(|command| *command != "help") {
        let help = bench.text(&[command, "--help"]);
        write!(page, "\n## codelupe {command}\n\n```text\n{help}```\n").unwrap();
    }
    let page: Vec<&str> = page.lines().map(str::trim_end).collect();
    check("cli.md", &(page.join("\n") + "\n"));
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
