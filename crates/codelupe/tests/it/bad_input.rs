//! Hostile and broken input: bounded cost, a reason or an error that names it, and no harm to the neighbors.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::Command;

use crate::fixture::{Bench, assert_adds_up, git, real_code, write};

fn with_good_neighbor() -> Bench {
    let bench = Bench::new();
    bench.git_repository("good", &[("verdict.rs", &real_code("core/src/verdict.rs"))]);
    bench
}

fn reason(bench: &Bench, file: &str) -> String {
    bench.json(&["explain", file])["reason"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

#[test]
fn odd_files_get_their_reason_and_the_rest_goes_on() {
    let bench = with_good_neighbor();
    let root = bench.folder_repository("odd", &[("blob.rs", &real_code("core/src/blob.rs"))]);
    write(&root, "nul.rs", b"fn main() {}\0\0\0");
    write(&root, "latin.txt", b"\xff\xfe\xfd\x00\x01");
    write(&root, "pointer.bin.rs", b"version https://git-lfs.github.com/spec/v1\noid sha256:0000000000000000000000000000000000000000000000000000000000000000\nsize 12345\n");
    let name = OsStr::from_bytes(b"new\nline\x1b[31m\xff.rs");
    fs::write(root.join(name), real_code("core/src/text.rs")).unwrap();
    symlink("/etc/passwd", root.join("passwd")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    assert!(
        Command::new("mkfifo")
            .arg(root.join("fifo.rs"))
            .status()
            .unwrap()
            .success()
    );
    File::create(root.join("huge.rs")).unwrap().set_len(300 << 20).unwrap();

    let report = bench.run();
    assert_adds_up(&report["stats"]);
    assert_eq!(reason(&bench, "odd/passwd"), "symlink");
    assert_eq!(reason(&bench, "odd/loop"), "symlink");
    assert_eq!(reason(&bench, "odd/fifo.rs"), "special_file");
    assert_eq!(reason(&bench, "odd/huge.rs"), "too_large");
    assert_eq!(reason(&bench, "odd/nul.rs"), "binary");
    assert_eq!(reason(&bench, "odd/pointer.bin.rs"), "lfs_pointer");
    assert_eq!(reason(&bench, "odd/blob.rs"), "none");
    assert_eq!(reason(&bench, "good/verdict.rs"), "none");
}

#[test]
fn a_corrupt_repository_is_named_and_its_neighbors_are_processed() {
    let bench = with_good_neighbor();
    let root = bench.git_repository("broken", &[("blob.rs", &real_code("core/src/blob.rs"))]);
    git(&root, &["gc", "--quiet"]);
    for pack in fs::read_dir(root.join(".git/objects/pack"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if pack.extension() == Some(OsStr::new("pack")) {
            let mut bytes = fs::read(&pack).unwrap();
            let half = bytes.len() / 2;
            bytes[12..half].fill(0x55);
            fs::remove_file(&pack).unwrap();
            fs::write(&pack, bytes).unwrap();
        }
    }
    fs::create_dir_all(bench.sources().join("bare-empty")).unwrap();
    git(&bench.sources().join("bare-empty"), &["init", "--quiet", "--bare"]);

    let report = bench.run();
    assert_adds_up(&report["stats"]);
    assert_eq!(reason(&bench, "good/verdict.rs"), "none");
    let failed = report["stats"]["failed"].as_array().unwrap();
    let broken = bench.output(&["explain", "broken/blob.rs"]);
    let unreadable = broken.status.success() && reason(&bench, "broken/blob.rs") == "unreadable";
    assert!(
        unreadable || failed.iter().any(|repository| repository["name"] == "broken"),
        "{report:#}"
    );
}

#[test]
fn a_tree_of_a_million_paths_is_refused_in_bounded_time() {
    let bench = with_good_neighbor();
    let root = bench.sources().join("bomb");
    fs::create_dir_all(&root).unwrap();
    git(&root, &["init", "--quiet", "--bare"]);
    let make = |input: String| -> String {
        let script = "printf '%b' \"$INPUT\" | git mktree";
        let output = Command::new("sh")
            .current_dir(&root)
            .env("INPUT", input)
            .args(["-c", script])
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", crate::fixture::text(&output.stderr));
        crate::fixture::text(&output.stdout).trim().to_owned()
    };
    let blob = Command::new("sh")
        .current_dir(&root)
        .args(["-c", "echo x | git hash-object -w --stdin"])
        .output()
        .unwrap();
    let mut id = crate::fixture::text(&blob.stdout).trim().to_owned();
    let mut mode = "100644 blob";
    for _ in 0..6 {
        let entries: Vec<String> = (0..10).map(|n| format!("{mode} {id}\\t{n}\\n")).collect();
        id = make(entries.concat());
        mode = "040000 tree";
    }
    let commit = Command::new("git")
        .current_dir(&root)
        .args([
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@example.com",
            "commit-tree",
            &id,
            "-m",
            "bomb",
        ])
        .output()
        .unwrap();
    let commit = crate::fixture::text(&commit.stdout).trim().to_owned();
    git(&root, &["update-ref", "HEAD", &commit]);

    let report = bench.run();
    let failed = report["stats"]["failed"].as_array().unwrap();
    assert_eq!(failed.len(), 1, "{report:#}");
    assert_eq!(failed[0]["name"], "bomb");
    assert_eq!(failed[0]["error_code"], "corrupt_input");
    assert_adds_up(&report["stats"]);
}

#[test]
fn a_folder_that_cannot_be_read_is_recorded() {
    let bench = with_good_neighbor();
    let root = bench.folder_repository("locked", &[("blob.rs", &real_code("core/src/blob.rs"))]);
    write(&root, "secret/inside.rs", b"fn main() {}\n");
    // Root may read what has no permission bits, but nobody may list a path that is too long to name.
    let mut deep = root.clone();
    for _ in 0..70 {
        deep.push("deep");
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("file.rs"), "fn main() {}\n").unwrap();
    let report = bench.run();
    assert_adds_up(&report["stats"]);
    let dropped = report["stats"]["funnel"]["dropped"].as_array().unwrap();
    assert!(
        dropped
            .iter()
            .any(|step| step["reason"] == "bad_path" || step["reason"] == "unreadable"),
        "{report:#}"
    );
    assert_eq!(reason(&bench, "locked/blob.rs"), "none");
}
