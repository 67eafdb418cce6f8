//! Models, trainings and search indexes in a bucket that machines share.

use std::fs;
use std::path::PathBuf;

use super::{Cloud, arguments, kill, wait_until};
use crate::fixture::{Bench, write};
use crate::train::SETTINGS;

/// The settings of a short training, with more steps: the machine is to die in the middle of it.
fn settings() -> String {
    SETTINGS.replace("max_steps = 12", "max_steps = 30")
}

/// The file with the settings, for a machine.
fn with<'a>(arguments: &[&'a str], config: &'a str) -> Vec<&'a str> {
    [arguments, &["--config", config]].concat()
}

#[test]
fn a_training_whose_machine_died_goes_on_at_another_one() {
    let run = arguments("run", 30);
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    let init = ["models", "init", "--vocabulary", "512"];

    let bench = Bench::new();
    write(bench.root(), "codelupe.toml", settings().as_bytes());
    let config = bench.root().join("codelupe.toml").display().to_string();
    bench.json(&with(&run, &config));
    bench.json(&with(&init, &config));
    let straight = bench.json(&with(&["train", "--full"], &config));
    let model = straight["model"].as_str().unwrap();

    let cloud = Cloud::on_postgres();
    cloud.json(0, &with(&run, &config));
    cloud.json(0, &with(&init, &config));
    cloud.json(0, &with(&["train", "--full", "--enqueue"], &config));
    let trainings = cloud.bucket.join("models/trainings/training-1");
    let worker = with(&["worker", "--stages", "train", "--lease", "2"], &config);
    let first = cloud.spawn(0, &worker);
    let saved = |step: u32| trainings.join(format!("checkpoints/{step}/files.json"));
    wait_until("no checkpoint was put", || saved(6).exists());
    kill(first);
    fs::rename(cloud.data(0), cloud.root.path().join("gone")).unwrap();

    let second = cloud.spawn(1, &worker);
    wait_until("the training is not over", || {
        cloud.json(1, &["train", "list"])[0]["state"] == "finished"
    });
    let checkpoints = || fs::read_dir(trainings.join("checkpoints")).into_iter().flatten();
    wait_until("what it needed to go on stays", || {
        let whole = |folder: PathBuf| folder.join("files.json").exists();
        let left = checkpoints().any(|entry| whole(entry.unwrap().path()));
        whole(trainings.join("record")) && !whole(trainings.join("plan")) && !left
    });
    kill(second);
    let file = |folder: PathBuf| fs::read(folder.join(model).join("model.safetensors")).unwrap();
    assert!(
        file(bench.data().join("models")) == file(cloud.bucket.join("models")),
        "the weights differ"
    );
    // It went on, and did not begin again.
    let events = fs::read_to_string(trainings.join("record/events.jsonl")).unwrap();
    assert_eq!(events.matches(r#""event":"started""#).count(), 2, "{events}");
}

#[test]
fn what_one_machine_made_another_uses() {
    let cloud = Cloud::on_postgres();
    let run = arguments("run", 30);
    let run: Vec<&str> = run.iter().map(String::as_str).collect();
    let config = cloud.root.path().join("codelupe.toml").display().to_string();
    write(cloud.root.path(), "codelupe.toml", settings().as_bytes());
    cloud.json(0, &run);
    cloud.json(0, &["models", "init", "--vocabulary", "512"]);
    let hits = |machine: usize| cloud.json(machine, &["search", "fn main"]);
    assert_eq!(hits(0), hits(1));
    assert!(hits(1)["total"].as_u64().unwrap() > 0);
    assert!(!cloud.data(0).join("search").exists() && !cloud.data(0).join("models/tiny").exists());

    let shown = cloud.json(1, &["models", "show", "tiny"]);
    assert_eq!(shown["folder"], "s3://corpus/team/rust/models/tiny");
    let generate = ["models", "generate", "--prompt", "fn main", "--tokens", "4"];
    assert_eq!(
        cloud.json(0, &generate)["completion"],
        cloud.json(1, &generate)["completion"]
    );
    let doctor = cloud.text(1, &["doctor"]);
    assert!(doctor.contains("Tantivy in s3://corpus/team/rust/search/"), "{doctor}");
    let trained = cloud.json(1, &with(&["train", "--steps", "2"], &config));
    let adapter = trained["model"].as_str().unwrap();
    assert!(
        cloud
            .bucket
            .join("models")
            .join(adapter)
            .join("adapter_model.safetensors")
            .is_file()
    );
    cloud.json(0, &["models", "promote", adapter]);
    let merged = cloud.root.path().join("merged");
    cloud.json(0, &["models", "merge", adapter, merged.to_str().unwrap()]);
    assert!(merged.join("model.safetensors").is_file());

    // A cache that is too small says which setting is.
    write(cloud.root.path(), "small.toml", b"[store]\ncache_bytes = 1000\n");
    let small = cloud.root.path().join("small.toml").display().to_string();
    fs::remove_dir_all(cloud.data(1).join("cache")).unwrap();
    let refused = cloud.output(1, &["search", "fn main", "--config", &small]);
    let said = crate::fixture::text(&refused.stderr);
    assert!(
        !refused.status.success() && said.contains("store.cache_bytes"),
        "{said}"
    );

    let target = "s3://corpus/exports/one";
    let exported = cloud.json(1, &["export", target]);
    assert!(exported["files"][0].as_str().unwrap().starts_with(target), "{exported}");
    assert!(cloud.bucket.join("../../exports/one/manifest.json").is_file());
    for taken in [target, "s3://corpus/team/rust", "s3://corpus/team/rust/models/tiny"] {
        assert_eq!(cloud.output(1, &["export", taken]).status.code(), Some(75), "{taken}");
    }
    let refused = cloud.output(1, &["models", "merge", adapter, "s3://corpus/merged"]);
    assert_eq!(refused.status.code(), Some(64));

    // A damaged index is told, and made again by the command that makes it.
    let searches = fs::read_dir(cloud.bucket.join("search")).unwrap();
    let index = searches
        .map(|entry| entry.unwrap().path())
        .find(|path| path.join("files.json").exists());
    fs::write(index.unwrap().join("index.json"), "{}").unwrap();
    for machine in [0, 1] {
        fs::remove_dir_all(cloud.data(machine).join("cache")).unwrap();
    }
    assert_eq!(cloud.output(1, &["search", "fn main"]).status.code(), Some(70));
    cloud.json(0, &["index"]);
    assert!(cloud.json(1, &["search", "fn main"])["total"].as_u64().unwrap() > 0);
}
