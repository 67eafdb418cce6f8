//! What happens when the world changes between runs: settings, names, places, licenses, broken and vanished things.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fixture::{Bench, MIT, assert_adds_up, git, real_code, splits, text, write};

fn small_world() -> Bench {
    let bench = Bench::new();
    bench.git_repository("alpha", &[("blob.rs", &real_code("core/src/blob.rs"))]);
    bench.git_repository("beta", &[("text.rs", &real_code("core/src/text.rs"))]);
    bench
}

fn settings(bench: &Bench, name: &str, content: &str) -> String {
    let path = bench.root().join(name);
    fs::write(&path, content).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn other_settings_process_again_and_the_old_ones_still_hold() {
    let bench = small_world();
    let first = bench.run();
    let strict = settings(&bench, "strict.toml", "[process]\nmin_quality = 99\nmax_lines = 60\n");
    let alpha = format!("repo:{}", bench.sources().join("alpha").display());
    let partly = bench.output(&["run", &alpha, "--config", &strict]);
    assert_eq!(partly.status.code(), Some(64), "{}", text(&partly.stderr));
    assert!(
        text(&partly.stderr).contains("`beta` among them, were processed by other settings"),
        "{}",
        text(&partly.stderr)
    );
    let stats = bench.json(&["stats"]);
    assert_eq!(stats["dedup_is_current"], false);
    let again = bench.run();
    assert_eq!(again["unchanged"], 1, "{again:#}");
    assert_adds_up(&again["stats"]);
    assert_eq!(again["build"]["name"], first["build"]["name"]);
    assert_eq!(splits(&bench, &again), splits(&bench, &first));
    assert!(bench.text(&["doctor"]).lines().all(|line| line.starts_with("ok")));
}

#[test]
fn a_new_license_gives_a_new_build() {
    let bench = small_world();
    let first = bench.run();
    let alpha = bench.sources().join("alpha");
    git(&alpha, &["checkout", "--quiet", "--", "."]);
    let permissive = "Permission to use, copy, modify, and/or distribute this software for any purpose with or without fee is hereby granted, provided that the above copyright notice and this permission notice appear in all copies.\n\nTHE SOFTWARE IS PROVIDED \"AS IS\" AND THE AUTHOR DISCLAIMS ALL WARRANTIES WITH REGARD TO THIS SOFTWARE INCLUDING ALL IMPLIED WARRANTIES OF MERCHANTABILITY AND FITNESS. IN NO EVENT SHALL THE AUTHOR BE LIABLE FOR ANY SPECIAL, DIRECT, INDIRECT, OR CONSEQUENTIAL DAMAGES OR ANY DAMAGES WHATSOEVER RESULTING FROM LOSS OF USE, DATA OR PROFITS, WHETHER IN AN ACTION OF CONTRACT, NEGLIGENCE OR OTHER TORTIOUS ACTION, ARISING OUT OF OR IN CONNECTION WITH THE USE OR PERFORMANCE OF THIS SOFTWARE.\n";
    write(
        &alpha,
        "LICENSE",
        format!("ISC License\n\nCopyright (c) 2026 Somebody\n\n{permissive}").as_bytes(),
    );
    git(&alpha, &["add", "--all"]);
    git(&alpha, &["commit", "--quiet", "--message", "isc"]);
    let second = bench.run();
    assert_ne!(second["build"]["name"], first["build"]["name"]);
    let licenses = splits(&bench, &second).to_string();
    assert!(licenses.contains("ISC") && licenses.contains("MIT"), "{licenses}");
}

#[test]
fn the_same_code_in_another_place_gives_the_same_bytes() {
    let builds = ["place-7f3a", "place-9c1e"].map(|place| {
        let bench = Bench::new();
        let root = bench.root().join(place).join("alpha");
        write(&root, "LICENSE", MIT.as_bytes());
        write(&root, "blob.rs", real_code("core/src/blob.rs").as_bytes());
        let report = bench.json(&["run", &format!("repo:{}", root.display())]);
        assert!(
            !bench_export(&bench).contains(place),
            "no path of this machine leaves it"
        );
        (report["build"]["name"].clone(), splits(&bench, &report))
    });
    assert_eq!(builds[0], builds[1]);
}

fn bench_export(bench: &Bench) -> String {
    let target = bench.root().join("out");
    bench.text(&["export", "--format", "jsonl.zst", target.to_str().unwrap()]);
    let shards = ["train", "validation", "held_out"].map(|split| target.join(split).join("00000.jsonl.zst"));
    let shard = shards.iter().find(|path| path.exists()).unwrap();
    text(&zstd::decode_all(fs::File::open(shard).unwrap()).unwrap())
}

#[test]
fn a_namesake_never_takes_the_place_of_another_repository() {
    let bench = Bench::new();
    let place = |parent: &str, file: &str| -> String {
        let root = bench.root().join(parent).join("same");
        write(&root, "LICENSE", MIT.as_bytes());
        write(&root, file, real_code(&format!("core/src/{file}")).as_bytes());
        format!("repo:{}", root.display())
    };
    let (x, y) = (place("x", "blob.rs"), place("y", "text.rs"));
    bench.json(&["run", &x]);
    let refused = bench.output(&["run", &y]);
    assert_eq!(refused.status.code(), Some(64), "{}", text(&refused.stderr));
    assert!(
        text(&refused.stderr).contains("another of that name"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(
        bench.json(&["explain", "same/blob.rs"])["verdict"],
        "in the latest build"
    );
    // Moved: the old folder is gone.
    fs::rename(bench.root().join("x"), bench.root().join("z")).unwrap();
    let moved = bench.json(&["run", &format!("repo:{}", bench.root().join("z/same").display())]);
    assert_adds_up(&moved["stats"]);
}

#[test]
fn one_folder_counts_once_whatever_it_is_called() {
    let bench = small_world();
    let source = bench.sources();
    let twice = bench.json(&["run", source.to_str().unwrap(), source.join("alpha").to_str().unwrap()]);
    assert_eq!(twice["repositories"], 2, "{twice:#}");
    fs::rename(source.join("alpha"), source.join("omega")).unwrap();
    let renamed = bench.run();
    assert_adds_up(&renamed["stats"]);
}

#[test]
fn a_repository_that_breaks_keeps_what_is_known_of_it() {
    let bench = small_world();
    let first = bench.run();
    fs::write(
        bench.sources().join("alpha/.git/refs/heads/main"),
        format!("{}\n", "1".repeat(40)),
    )
    .unwrap();
    let broken = bench.run();
    assert_eq!(broken["stats"]["failed"][0]["name"], "alpha", "{broken:#}");
    assert_eq!(broken["build"]["name"], first["build"]["name"]);
    assert_eq!(broken["stats"]["dedup_is_current"], true);
    assert_adds_up(&broken["stats"]);
    assert_eq!(
        bench.json(&["explain", "alpha/blob.rs"])["verdict"],
        "in the latest build"
    );
}

#[test]
fn a_build_that_lost_a_file_is_seen_and_written_again() {
    let bench = small_world();
    let first = bench.run();
    let before = splits(&bench, &first);
    let build = PathBuf::from(first["build"]["folder"].as_str().unwrap());
    let path = before
        .as_array()
        .unwrap()
        .iter()
        .find_map(|split| split["shards"][0]["path"].as_str())
        .unwrap();
    fs::remove_file(build.join(path)).unwrap();
    let doctor = bench.output(&["doctor"]);
    assert!(
        !doctor.status.success() && text(&doctor.stdout).contains("lost or changed files"),
        "{}",
        text(&doctor.stdout)
    );
    let second = bench.run();
    assert_eq!(second["build"]["existed"], false);
    assert!(build.join(path).exists());
    assert_eq!(splits(&bench, &second), before);
}

#[test]
fn a_folder_that_is_not_ours_is_left_alone() {
    let bench = small_world();
    let data = bench.data();
    write(&data, "tmp/notes.txt", b"mine");
    write(&data, "segments/audio.wav", b"mine");
    let refused = bench.output(&["run", bench.sources().to_str().unwrap()]);
    assert_eq!(refused.status.code(), Some(75), "{}", text(&refused.stderr));
    assert!(
        text(&refused.stderr).contains("is not a data folder"),
        "{}",
        text(&refused.stderr)
    );
    assert_eq!(fs::read(data.join("tmp/notes.txt")).unwrap(), b"mine");
    assert_eq!(fs::read(data.join("segments/audio.wav")).unwrap(), b"mine");
    assert!(!data.join("lock").exists());
}

#[test]
fn a_data_folder_inside_a_source_is_no_source() {
    let bench = Bench::new();
    let root = bench.folder_repository("plain", &[("blob.rs", &real_code("core/src/blob.rs"))]);
    let run = |folder: &Path| -> Value {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_codelupe"))
            .current_dir(folder)
            .env_remove("CODELUPE_DATA")
            .args(["run", ".", "--json"])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", text(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let found = |report: &Value| report["stats"]["funnel"]["found"]["files"].as_u64().unwrap();
    let first = run(&root);
    let second = run(&root);
    assert_eq!(found(&first), 2, "{first:#}");
    assert_eq!(found(&second), 2, "{second:#}");
    assert_eq!(second["unchanged"], 1);
    git(&bench.sources(), &["init", "--quiet", "plain/inner"]);
    let folder_of_repositories = run(&root);
    assert_eq!(folder_of_repositories["repositories"], 1, "{folder_of_repositories:#}");
}

#[test]
fn foreign_names_are_printed_without_their_control_characters() {
    let bench = Bench::new();
    let name = "odd\u{1b}[31m.rs";
    bench.folder_repository("odd", &[(name, &real_code("core/src/blob.rs"))]);
    bench.run();
    for shown in [
        bench.text(&["explain", &format!("odd/{name}")]),
        bench.text(&["search", "BlobId"]),
    ] {
        assert!(shown.contains("odd\\u{1b}[31m.rs"), "{shown:?}");
        assert!(!shown.contains('\u{1b}'), "{shown:?}");
    }
}
