//! Worker processes, and what is done to them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// Workers that run; their number stays the same.
pub(super) struct Workers {
    url: String,
    program: PathBuf,
    running: Vec<Child>,
    /// Since when it is stopped.
    paused: Option<(u32, Instant)>,
    started: usize,
}

impl Workers {
    pub(super) fn start(url: &str, count: usize) -> Self {
        let mut workers = Self {
            url: url.to_owned(),
            program: program(),
            running: Vec::new(),
            paused: None,
            started: 0,
        };
        for _ in 0..count {
            workers.start_one();
        }
        workers
    }

    fn start_one(&mut self) {
        self.started += 1;
        let mut command = Command::new(&self.program);
        command.arg(&self.url).arg(format!("worker {}", self.started));
        // It ends when this end of the pipe is closed, and so with this process.
        self.running.push(command.stdin(Stdio::piped()).spawn().unwrap());
    }

    /// Kills a worker, not always the oldest, and starts another.
    pub(super) fn kill_one(&mut self) {
        // One that is stopped is to go on and find its leases lost.
        let stopped = self.paused.map(|(pid, _)| pid);
        let candidates: Vec<usize> = (0..self.running.len())
            .filter(|&i| Some(self.running[i].id()) != stopped)
            .collect();
        let mut killed = self.running.remove(candidates[self.started % candidates.len()]);
        killed.kill().unwrap();
        killed.wait().unwrap();
        self.start_one();
    }

    /// Stops the oldest worker, unless one is stopped already.
    pub(super) fn pause_one(&mut self) {
        if self.paused.is_none() {
            let pid = self.running[0].id();
            signal(pid, Signal::STOP);
            self.paused = Some((pid, Instant::now()));
        }
    }

    /// Lets a worker go on that was stopped so long ago.
    pub(super) fn resume_after(&mut self, pause: Duration) {
        if let Some((pid, _)) = self.paused.take_if(|(_, since)| since.elapsed() >= pause) {
            signal(pid, Signal::CONT);
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for worker in &mut self.running {
            // One that ended by itself needs no killing.
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

fn signal(pid: u32, signal: Signal) {
    let pid = Pid::from_raw(pid.try_into().unwrap()).unwrap();
    kill_process(pid, signal).unwrap();
}

/// Builds the example that is a worker, with the profile and the features of this test, and gives its path.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let profile = test.ancestors().nth(2).unwrap();
    let name = match profile.file_name().unwrap().to_str().unwrap() {
        "debug" => "dev",
        name => name,
    };
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut build = Command::new(cargo);
    // What cargo tells a test about its package would have it build dependencies anew that look at the same variables.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_"]
            .iter()
            .any(|prefix| name.as_encoded_bytes().starts_with(prefix.as_bytes()))
        {
            build.env_remove(name);
        }
    }
    build.args([
        "build",
        "--quiet",
        "--package",
        env!("CARGO_PKG_NAME"),
        "--example",
        "soak_worker",
    ]);
    build.args(["--features", "slow", "--profile", name, "--target-dir"]);
    let status = build.arg(profile.parent().unwrap()).status().unwrap();
    assert!(status.success(), "{build:?}");
    profile.join("examples").join("soak_worker")
}
