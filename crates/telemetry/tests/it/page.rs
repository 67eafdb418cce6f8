//! `docs/metrics.md` is made of the table: `CODELUPE_BLESS=1 cargo test -p codelupe-telemetry page` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use codelupe_telemetry::{Kind, Meaning, SPANS, TABLE, Unit};

const ABOUT: &str = "# Metrics and spans

Made from the table in `crates/telemetry`. `--metrics FILE` (or `CODELUPE_METRICS`) keeps those of a process in a file, in
Prometheus' text format, which is written anew every 15 seconds and at the end; the textfile collector of Prometheus' node
exporter reads it. Each process needs a file of its own. Without it nothing is recorded. A series appears when its first value
is recorded.

## Metrics

| name | kind | unit | labels | what it says |
|---|---|---|---|---|
";

/// The labels by name, with the metrics that have them and their values.
type Values = BTreeMap<&'static str, Vec<(Vec<&'static str>, Vec<Meaning>)>>;

fn metrics(page: &mut String) -> Values {
    let mut values = Values::new();
    for metric in TABLE {
        let declared = metric.declared();
        let kind = match declared.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let unit = match declared.unit {
            Unit::Number => "",
            Unit::Seconds => "seconds",
            Unit::Bytes => "bytes",
        };
        let labels: Vec<String> = declared
            .labels
            .iter()
            .map(|label| format!("`{}`", label.name))
            .collect();
        let (name, labels, help) = (declared.name, labels.join(", "), declared.help);
        writeln!(page, "| `{name}` | {kind} | {unit} | {labels} | {help} |").unwrap();
        for label in declared.labels {
            let (sets, meanings) = (values.entry(label.name).or_default(), (label.meanings)());
            match sets.iter_mut().find(|(_, set)| *set == meanings) {
                Some((names, _)) => names.push(name),
                None => sets.push((vec![name], meanings)),
            }
        }
    }
    values
}

fn labels(page: &mut String, values: &Values) {
    page.push_str("\n## Labels\n");
    for (label, sets) in values {
        for (names, meanings) in sets {
            let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
            write!(
                page,
                "\n### `{label}` of {}\n\n| value | what it means |\n|---|---|\n",
                names.join(", ")
            )
            .unwrap();
            for (value, meaning) in meanings {
                writeln!(page, "| `{value}` | {meaning} |").unwrap();
            }
        }
    }
}

fn spans(page: &mut String) {
    page.push_str("\n## Spans\n");
    for span in SPANS {
        write!(
            page,
            "\n### `{}`\n\n{}.\n\n| attribute | what it says |\n|---|---|\n",
            span.name, span.help
        )
        .unwrap();
        for attribute in span.attributes {
            writeln!(page, "| `{}` | {} |", attribute.name, attribute.help).unwrap();
        }
    }
}

#[test]
fn the_page_of_metrics_is_up_to_date() {
    let mut page = ABOUT.to_owned();
    let values = metrics(&mut page);
    labels(&mut page, &values);
    spans(&mut page);
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/metrics.md");
    if std::env::var_os("CODELUPE_BLESS").is_some() {
        fs::write(&path, &page).unwrap();
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == page,
        "docs/metrics.md is out of date: CODELUPE_BLESS=1 cargo test -p codelupe-telemetry page"
    );
}
