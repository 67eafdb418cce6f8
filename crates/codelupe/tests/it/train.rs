//! Models as a user makes them: a whole loop over growing corpora, killed and gone on with, judged, rolled back, used.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::fixture::{Bench, crates, text, write};

/// Settings under which a training takes seconds.
pub(crate) const SETTINGS: &str = "\
[train]
min_new_files = 40
rows_per_step = 4
checkpoint_steps = 3
validation_steps = 5
validation_rows = 4
held_out_rows = 8
held_out_holes = 2
patience = 0
max_steps = 12
[train.lora]
rank = 4
[train.samples]
sequence_length = 128
[build]
validation_percent = 10
held_out_percent = 10
";

/// A data folder with a corpus and settings.
struct Place {
    bench: Bench,
    config: String,
}

impl Place {
    fn new(repositories: &[PathBuf]) -> Self {
        let bench = Bench::new();
        write(bench.root(), "codelupe.toml", SETTINGS.as_bytes());
        let config = bench.root().join("codelupe.toml").display().to_string();
        let place = Self { bench, config };
        if !repositories.is_empty() {
            place.grow(repositories);
        }
        place
    }

    /// Takes more repositories into the corpus.
    fn grow(&self, repositories: &[PathBuf]) {
        let sources: Vec<String> = repositories
            .iter()
            .map(|path| format!("repo:{}", path.display()))
            .collect();
        let mut arguments = vec!["run"];
        arguments.extend(sources.iter().map(String::as_str));
        self.json(&arguments);
    }

    fn with<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        [arguments, &["--config", &self.config]].concat()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        self.bench.json(&self.with(arguments))
    }

    fn refused(&self, arguments: &[&str]) -> String {
        let output = self.bench.output(&self.with(arguments));
        assert!(!output.status.success(), "{arguments:?}");
        text(&output.stderr)
    }

    fn models(&self) -> PathBuf {
        self.bench.data().join("models")
    }

    fn events(&self, training: &str) -> String {
        fs::read_to_string(self.models().join("trainings").join(training).join("events.jsonl")).unwrap_or_default()
    }

    /// Trains, and kills the process with no warning as soon as the events of a training have a text.
    fn train_until(&self, arguments: &[&str], training: &str, seen: &str) {
        let mut child = self
            .bench
            .command(&self.with(arguments))
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + Duration::from_mins(2);
        while !self.events(training).contains(seen) {
            assert!(Instant::now() < end, "no `{seen}` in the events of {training}");
            assert!(child.try_wait().unwrap().is_none(), "it ended before `{seen}`");
            std::thread::sleep(Duration::from_millis(5));
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn losses(events: &str) -> Vec<(u64, f64)> {
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let steps = events.filter(|event| event["event"] == "step");
    steps
        .map(|event| (event["step"].as_u64().unwrap(), event["loss"].as_f64().unwrap()))
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn a_model_is_made_trained_adapted_judged_and_used() {
    let crates = crates(60);
    let place = Place::new(&crates[..40]);
    assert!(place.refused(&["train"]).contains("models init"));
    let made = place.json(&["models", "init", "--preset", "tiny", "--vocabulary", "1024"]);
    assert_eq!(made["model"], "tiny");
    assert!(place.refused(&["model", "init"]).contains("exists already"));

    let full = place.json(&["train", "--full"]);
    assert_eq!(full["outcome"], "finished");
    assert_eq!(
        (&full["model"], &full["promoted"]),
        (&"tiny-full-1".into(), &true.into())
    );
    let figures = &full["figures"];
    assert!(
        figures["held_out_loss"].as_f64().unwrap() < figures["compared_loss"].as_f64().unwrap() - 0.2,
        "{full:#}"
    );
    let first = losses(&place.events("training-1"));
    assert_eq!(first.len(), 12);
    // What a single step meets depends on the crates that this machine has, so three are taken together.
    let mean = |steps: &[(u64, f64)]| steps.iter().map(|step| step.1).sum::<f64>() / steps.len() as f64;
    assert!(mean(&first[9..]) < mean(&first[..3]) - 0.4, "{first:?}");

    let adapter = place.json(&["train"]);
    let name = adapter["model"].as_str().unwrap().to_owned();
    assert_eq!(name, "tiny-full-1-lora-2");
    let folder = place.models().join(&name);
    for file in [
        "adapter_config.json",
        "adapter_model.safetensors",
        "tokenizer.json",
        "training.json",
        "README.md",
    ] {
        assert!(folder.join(file).is_file(), "{file}");
    }
    let peft: Value = serde_json::from_slice(&fs::read(folder.join("adapter_config.json")).unwrap()).unwrap();
    assert_eq!(peft["r"], 4);
    assert!(
        peft["base_model_name_or_path"]
            .as_str()
            .unwrap()
            .ends_with("models/tiny-full-1"),
        "{peft:#}"
    );
    let report = fs::read_to_string(adapter["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("<svg") && report.contains("validation"), "{report}");

    // All is learned: nothing is new for either line.
    for line in [&["train"][..], &["train", "--full"]] {
        let waiting = place.json(line);
        assert_eq!(
            (&waiting["outcome"], &waiting["new_files"]),
            (&"waiting".into(), &0.into()),
            "{waiting:#}"
        );
    }
    let status = place.json(&["train", "status"]);
    assert_eq!(status["state"], "idle");
    assert_eq!(status["last_training"]["figures"]["steps"], 12);
    let shown = place.bench.text(&place.with(&["models", "show", &name]));
    assert!(
        shown.contains("held-out files") || shown.contains("Held-out files"),
        "{shown}"
    );
    assert!(shown.contains("MIT"), "{shown}");

    let completed = place.json(&["models", "generate", "--prompt", "fn main() {", "--tokens", "8"]);
    assert!(!completed["completion"].as_str().unwrap().is_empty());
    place.json(&[
        "models", "generate", &name, "--prompt", "let a = ", "--suffix", ";", "--tokens", "4",
    ]);
    let merged = place.bench.root().join("merged");
    place.json(&["models", "merge", &name, &merged.display().to_string()]);
    assert!(merged.join("model.safetensors").is_file() && merged.join("tokenizer.json").is_file());
    let elsewhere = merged.display().to_string();
    let more = place.json(&["train", "--base", &elsewhere, "--steps", "1"]);
    assert_eq!(more["model"], "merged-lora-3");
}

#[test]
fn a_run_that_is_killed_anywhere_ends_as_one_that_was_not() {
    let crates = crates(30);
    let place = Place::new(&crates);
    place.json(&["models", "init", "--vocabulary", "512"]);
    let untouched = Place::new(&[]);
    copy(&place.bench.data(), &untouched.bench.data());

    for seen in [
        r#""event":"started""#,
        r#""checkpoint","step":3"#,
        r#""checkpoint","step":9"#,
    ] {
        place.train_until(&["train"], "training-1", seen);
        let status = place.json(&["train", "status"]);
        assert_eq!(status["state"], "interrupted");
    }
    let after = place.json(&["train"]);
    let straight = untouched.json(&["train"]);
    assert_eq!(after["model"], straight["model"]);
    assert_eq!(
        losses(&place.events("training-1")),
        losses(&untouched.events("training-1"))
    );
    let weights = |place: &Place| {
        let folder = place.models().join(straight["model"].as_str().unwrap());
        fs::read(folder.join("adapter_model.safetensors")).unwrap()
    };
    assert!(weights(&place) == weights(&untouched), "the adapters differ");
    let (after, straight) = (&after["figures"], &straight["figures"]);
    assert_eq!(after["held_out_loss"], straight["held_out_loss"]);
    assert_eq!(after["steps"], straight["steps"]);
}

#[test]
fn after_a_damaged_plan_another_training_begins_as_the_hint_says() {
    let place = Place::new(&crates(30));
    place.json(&["models", "init", "--vocabulary", "512"]);
    place.train_until(&["train"], "training-1", r#""event":"started""#);
    let plan = place.models().join("trainings/training-1/plan.json");
    fs::write(&plan, "{").unwrap();
    let said = place.refused(&["train"]);
    assert!(said.contains("plan.json` is damaged"), "{said}");
    assert!(
        said.contains("hint: that training is over: `codelupe train` begins a new one"),
        "{said}"
    );
    assert_eq!(place.json(&["train"])["outcome"], "finished");
}

#[test]
fn a_watching_trainer_makes_an_adapter_whenever_enough_is_new() {
    let crates = crates(90);
    let place = Place::new(&crates[..30]);
    place.json(&["models", "init", "--vocabulary", "512"]);
    let mut child = place
        .bench
        .command(&place.with(&["train", "--watch"]))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let finished = |trainings: u64| {
        let end = Instant::now() + Duration::from_mins(3);
        loop {
            let runs_now = place.json(&["train", "list"]);
            let done = runs_now
                .as_array()
                .unwrap()
                .iter()
                .filter(|training| training["state"] == "finished")
                .count() as u64;
            if done >= trainings {
                return runs_now;
            }
            assert!(Instant::now() < end, "{runs_now:#}");
            std::thread::sleep(Duration::from_millis(200));
        }
    };
    finished(1);
    place.grow(&crates[30..60]);
    finished(2);
    // Somebody kills it, and starts it again.
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = place
        .bench
        .command(&place.with(&["train", "--watch"]))
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    place.grow(&crates[60..]);
    let trainings = finished(3);
    stop(&child);
    assert!(child.wait().unwrap().success());

    let trainings = trainings.as_array().unwrap();
    assert_eq!(trainings[0]["parent"].as_str(), Some("tiny-lora-2"), "{trainings:#?}");
    let models = place.json(&["models", "list"]);
    let promoted: Vec<&Value> = models
        .as_array()
        .unwrap()
        .iter()
        .filter(|model| model["kind"] == "adapter" && model["state"] == "promoted")
        .collect();
    assert_eq!(promoted.len(), 1, "{models:#}");

    let before = promoted[0]["name"].as_str().unwrap().to_owned();
    let rolled_back = place.json(&["models", "rollback"]);
    assert_ne!(rolled_back["name"].as_str().unwrap(), before);
    place.json(&["models", "promote", &before]);
    assert!(place.refused(&["models", "rm", &before]).contains("in use"));
    assert!(place.refused(&["models", "rm", "tiny"]).contains("is the base of"));
    let old = rolled_back["name"].as_str().unwrap();
    place.json(&["models", "rm", old]);
    assert!(!place.models().join(old).exists());
}

/// Sends SIGTERM.
fn stop(child: &std::process::Child) {
    let status = std::process::Command::new("kill")
        .arg(child.id().to_string())
        .status()
        .unwrap();
    assert!(status.success());
}

#[test]
fn a_run_can_be_stopped_and_canceled() {
    let place = Place::new(&crates(30));
    place.json(&["models", "init", "--vocabulary", "512"]);
    let spawn = || {
        place
            .bench
            .command(&place.with(&["train", "--steps", "100000"]))
            .stderr(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let child = spawn();
    let wait = |seen: &str| {
        let end = Instant::now() + Duration::from_mins(1);
        while !place.events("training-1").contains(seen) {
            assert!(Instant::now() < end, "{}", place.events("training-1"));
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    wait(r#""step":1,"#);
    assert!(place.refused(&["train"]).contains("another process trains"));
    stop(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
    assert_eq!(place.json(&["train", "status"])["state"], "interrupted");
    let checkpoint = place.models().join("trainings/training-1/checkpoint");
    assert!(fs::read_dir(&checkpoint).unwrap().count() > 0);

    let child = spawn();
    let end = Instant::now() + Duration::from_mins(1);
    while place.json(&["train", "status"])["state"] != "training" {
        assert!(Instant::now() < end, "it does not go on");
        std::thread::sleep(Duration::from_millis(20));
    }
    place.json(&["train", "cancel"]);
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(place.json(&["train", "list"])[0]["state"], "canceled");
    assert!(!checkpoint.exists());
}

#[test]
fn a_training_is_a_job_that_any_worker_does() {
    let place = Place::new(&crates(30));
    place.json(&["models", "init", "--vocabulary", "512"]);
    let enqueued = place.json(&["train", "--full", "--enqueue"]);
    assert_eq!(enqueued["jobs"].as_array().unwrap().len(), 1, "{enqueued:#}");
    assert_eq!(place.json(&["train", "--full", "--enqueue"])["known"], 1);
    assert_eq!(place.json(&["train", "status"])["state"], "waiting");
    // Others leave it alone.
    let others = place.json(&["worker", "--stages", "process,dedup,build,index", "--until-idle"]);
    assert_eq!(others["done"], 0);
    assert_eq!(place.json(&["worker", "--stages", "train", "--until-idle"])["done"], 1);
    assert_eq!(place.json(&["train", "list"])[0]["state"], "finished");
    let done = &place.json(&["jobs", "list", "--stage", "train"])["jobs"][0];
    assert_eq!(
        (&done["state"], &done["attempts"]),
        (&"done".into(), &1.into()),
        "{done:#}"
    );

    // One that cannot be done is a dead letter, and an error like others.
    place.json(&["train", "--base", "nowhere", "--enqueue"]);
    assert_eq!(place.json(&["worker", "--until-idle"])["dead"], 1);
    let errors = place.json(&["errors", "list"]);
    let error = errors["errors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|error| error["component"] == "train");
    assert!(error.is_some_and(|error| error["code"] == "not_found"), "{errors:#}");
    // What waits can be canceled before anybody begins it.
    place.json(&["train", "start"]);
    place.json(&["train", "cancel"]);
    assert_eq!(place.json(&["train", "status"])["state"], "idle");
    assert_eq!(
        place.json(&["jobs", "list", "--state", "queued"])["jobs"],
        serde_json::json!([])
    );
}

#[test]
fn what_cannot_be_trained_is_refused_with_the_reason() {
    let empty = Bench::new();
    let refused = empty.output(&["train"]);
    assert_eq!(refused.status.code(), Some(66), "{}", text(&refused.stderr));

    let place = Place::new(&crates(20));
    place.json(&["models", "init", "--vocabulary", "512"]);
    let base = place.models().join("tiny");
    let broken = |name: &str, change: &dyn Fn(&Path)| {
        let folder = place.bench.root().join(name);
        copy(&base, &folder);
        change(&folder);
        place.refused(&["train", "--base", &folder.display().to_string()])
    };
    let said = broken("other", &|folder| {
        let config = fs::read_to_string(folder.join("config.json")).unwrap();
        fs::write(
            folder.join("config.json"),
            config.replace("Qwen2ForCausalLM", "FalconForCausalLM"),
        )
        .unwrap();
    });
    assert!(said.contains("FalconForCausalLM") && said.contains("Qwen2"), "{said}");
    let said = broken("short", &|folder| {
        let weights = fs::read(folder.join("model.safetensors")).unwrap();
        fs::write(folder.join("model.safetensors"), &weights[..weights.len() / 2]).unwrap();
    });
    assert!(said.contains("model.safetensors"), "{said}");
    place.json(&["models", "init", "--vocabulary", "4000", "--name", "large"]);
    let large = place.models().join("large/tokenizer.json");
    let said = broken("vocabulary", &|folder| {
        fs::copy(&large, folder.join("tokenizer.json")).unwrap();
    });
    assert!(said.contains("vocabulary") || said.contains("tokens"), "{said}");
    assert!(place.refused(&["train", "--base", "nowhere"]).contains("`nowhere`"));
    write(
        place.bench.root(),
        "long.toml",
        b"[train]\nbase = \"tiny\"\n[train.samples]\nsequence_length = 8192\n",
    );
    let long = place.bench.root().join("long.toml").display().to_string();
    let said = text(&place.bench.output(&["train", "--force", "--config", &long]).stderr);
    assert!(said.contains("sequence_length") && said.contains("4096"), "{said}");
    write(place.bench.root(), "wrong.toml", b"[train]\nrows_per_step = 0\n");
    let wrong = place.bench.root().join("wrong.toml").display().to_string();
    let said = text(&place.bench.output(&["train", "--config", &wrong]).stderr);
    assert!(said.contains("rows_per_step"), "{said}");
}

#[test]
fn a_disk_that_fills_in_a_checkpoint_leaves_a_run_to_go_on_with() {
    let place = Place::new(&crates(20));
    place.json(&["models", "init", "--vocabulary", "512"]);
    let small = place.bench.root().join("small");
    fs::create_dir_all(&small).unwrap();
    // As root directly, else in a user namespace where the system allows one. What is free is enough for samples, and for one
    // copy of an adapter with its moments, but not for two.
    let script = r#"
        used=$(du -sm "$DATA" | cut -f1)
        mount -t tmpfs -o size=$((used + 16))m none "$SMALL" && cp -r "$DATA" "$SMALL/data" || exit 99
        "$PROGRAM" "$@" --data "$SMALL/data" --json
        full=$?
        mount -o remount,size=400m "$SMALL" || exit 98
        "$PROGRAM" "$@" --data "$SMALL/data" --json > "$REPORT" || exit 97
        umount "$SMALL"
        exit $full"#;
    let report = place.bench.root().join("report.json");
    write(
        place.bench.root(),
        "wide.toml",
        SETTINGS.replace("rank = 4", "rank = 64").as_bytes(),
    );
    let config = place.bench.root().join("wide.toml");
    let output = std::process::Command::new("unshare")
        .args([
            "--mount",
            "--map-root-user",
            "sh",
            "-c",
            script,
            "sh",
            "train",
            "--config",
        ])
        .arg(&config)
        .env("SMALL", &small)
        .env("DATA", place.bench.data())
        .env("PROGRAM", env!("CARGO_BIN_EXE_codelupe"))
        .env("REPORT", &report)
        .output()
        .unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(said.contains("hint: free some space"), "{said}");
    assert!(said.contains("going on with an open training"), "{said}");
    let report: Value = serde_json::from_slice(&fs::read(&report).unwrap()).unwrap();
    assert_eq!(
        (&report["outcome"], &report["figures"]["steps"]),
        (&"finished".into(), &12.into()),
        "{report:#}"
    );
}

#[test]
fn samples_are_shown_with_what_is_learned() {
    let place = Place::new(&crates(20));
    place.json(&["models", "init", "--vocabulary", "512"]);
    let samples = place.json(&["samples", "show", "--kind", "fim-psm", "--count", "2"]);
    let samples = samples.as_array().unwrap();
    assert_eq!(samples.len(), 2);
    for sample in samples {
        let passages = sample["passages"].as_array().unwrap();
        assert_eq!(passages[0]["text"], "<|fim_prefix|>");
        assert!(passages.iter().any(|passage| passage["learned"] == true), "{sample:#}");
        assert!(sample["learned"].as_u64().unwrap() < sample["tokens"].as_u64().unwrap());
    }
    let shown = place.bench.text(&place.with(&["samples", "show", "--count", "1"]));
    assert!(shown.contains("of them learned") && shown.contains("[["), "{shown}");
    assert!(
        place
            .refused(&["samples", "show", "--kind", "poem"])
            .contains("fim-psm")
    );
}
