//! The engine torch: a Python process with torch, transformers and peft, under supervision.
//!
//! The process is given [`EngineJob`] as a file and tells [`TrainEvent`]s, one line of JSON each, and signs of life between
//! them (`torch/train.py`). It leads a group of its own, which ends with this value. A stop asks it for a checkpoint; one
//! that takes too long, or tells nothing any more, is killed. One that the system killed, which it does when memory is
//! short, is started again with half the rows at once; its checkpoints make it go on where it was.

mod command;
mod message;
mod process;
mod watch;

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use codelupe_core::error::{ErrorCode, chain_text};
use codelupe_disk::{make_folder, write, write_json};
use codelupe_model::{ModelConfig, Recompute, estimate};
use codelupe_samples::{Dataset, read_summary};

use self::message::{Control, Failure, Hello, Message};
use self::process::{Heard, Process};
use self::watch::{ProcessEnd, Watch};
use super::{Ended, StopToken, Support, TrainEngine};
use crate::config::TorchConfig;
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::job::{EngineJob, TrainEvent};

/// The program.
const SCRIPT: &str = include_str!("torch/train.py");

/// How long the versions are waited for: a first import of torch reads some gigabytes.
const PROBE_TIME: Duration = Duration::from_mins(1);

/// How often a process that the system killed is started again.
const MAX_RESTARTS: u32 = 5;

/// What a user does where torch is missing; `python3 -m` goes before it.
const INSTALL: &str = "pip install torch transformers peft accelerate safetensors";

/// Where Linux shows a GPU of NVIDIA, one of AMD, and one of Windows.
const GPU_DEVICES: [&str; 3] = ["/dev/nvidiactl", "/dev/kfd", "/dev/dxg"];

/// Trains in a Python process.
#[derive(Debug, Clone)]
pub struct TorchEngine {
    config: TorchConfig,
    environment: Environment,
    needs_gpu: bool,
}

impl TorchEngine {
    /// One that trains on a GPU if there is one, and else on the CPU.
    pub const fn new(config: TorchConfig, environment: Environment) -> Self {
        Self {
            config,
            environment,
            needs_gpu: false,
        }
    }

    /// One that is for machines with a GPU only.
    pub const fn for_gpu(config: TorchConfig, environment: Environment) -> Self {
        Self {
            config,
            environment,
            needs_gpu: true,
        }
    }

    /// What Python says that there is, or why there is nothing.
    fn ask(&self, job: &EngineJob) -> Result<Hello, String> {
        let files = Files::write(job).map_err(|error| chain_text(&error))?;
        let process = Process::start(command::plain(
            &self.config,
            &self.environment,
            &files.script,
            &["--probe"],
        ))
        .map_err(|error| self.not_started(&error))?;
        let python = &self.config.python;
        let since = Instant::now();
        while since.elapsed() < PROBE_TIME {
            match process.line(PROBE_TIME.saturating_sub(since.elapsed())) {
                Heard::Line(line) => match serde_json::from_str(&line) {
                    Ok(Message::Control(Control::Hello(hello))) if hello.version == message::PROTOCOL => {
                        return Ok(hello);
                    }
                    Ok(Message::Control(Control::Failed { text, .. })) => {
                        let text = process::printable(&text);
                        return Err(format!(
                            "`{python}` has no torch to train with ({text}); {}",
                            self.install()
                        ));
                    }
                    // Other output of Python or its libraries, or another version of our script.
                    _ => {}
                },
                Heard::Silence => break,
                Heard::Closed => {
                    let tail = process
                        .finish()
                        .map_or_else(|error| error.to_string(), |(_, tail)| tail);
                    return Err(format!(
                        "`{python}` did not say its versions; {}\n{tail}",
                        self.install()
                    ));
                }
            }
        }
        Err(format!(
            "`{python}` did not say its versions within {} s",
            PROBE_TIME.as_secs()
        ))
    }

    fn not_started(&self, error: &io::Error) -> String {
        let python = &self.config.python;
        format!(
            "`{python}` cannot be started ({error}); train.torch.python names another; {}",
            self.install()
        )
    }

    fn install(&self) -> String {
        format!("this installs what is needed: {} -m {INSTALL}", self.config.python)
    }

    /// Lets one process do the job, or as much as it can.
    fn attempt(
        &self,
        job: &EngineJob,
        events: &mut dyn FnMut(TrainEvent),
        stop: &StopToken,
    ) -> Result<(ProcessEnd, u64), Error> {
        let files = Files::write(job)?;
        let command = command::training(&self.config, &self.environment, &files.script, &files.job);
        let process = Process::start(command)
            .map_err(|error| Error::new(ErrorKind::Engine, self.not_started(&error)).with_code(ErrorCode::NotFound))?;
        if let Some(text) = command::elsewhere(&self.config, &files.script, &files.job) {
            events(TrainEvent::Warning { text });
        }
        Watch::new(&self.config, job.rows_at_once, events).until_end(process, stop)
    }
}

impl TrainEngine for TorchEngine {
    fn name(&self) -> &'static str {
        "torch"
    }

    fn probe(&self, job: &EngineJob) -> Support {
        if self.needs_gpu && !GPU_DEVICES.iter().any(|device| Path::new(device).exists()) {
            let why = "this machine has no GPU".to_owned();
            return Support::No { why };
        }
        match self.ask(job) {
            Err(why) => Support::No { why },
            Ok(hello) if self.needs_gpu && hello.cuda.is_empty() => Support::No {
                why: format!("{} finds no GPU", hello.versions()),
            },
            Ok(hello) => Support::Yes {
                bytes: needed_bytes(job),
                why: format!("torch: {}", hello.describe()),
            },
        }
    }

    fn run(&self, job: &EngineJob, events: &mut dyn FnMut(TrainEvent), stop: &StopToken) -> Result<Ended, Error> {
        self.config.validate()?;
        check_samples(job)?;
        let mut job = job.clone();
        job.rows_at_once = job.rows_at_once.clamp(1, job.rows_per_step);
        let mut restarts = 0;
        loop {
            stop.check()?;
            let (outcome, rows_at_once) = self.attempt(&job, events, stop)?;
            match outcome {
                ProcessEnd::Done(ended) if job.out.is_dir() => return Ok(ended),
                ProcessEnd::Done(_) => return Err(internal("the Python process is done, but there is no result")),
                ProcessEnd::Killed if rows_at_once > 1 && restarts < MAX_RESTARTS => {
                    restarts += 1;
                    job.rows_at_once = rows_at_once / 2;
                    events(TrainEvent::Memory {
                        rows_at_once: job.rows_at_once,
                    });
                }
                ProcessEnd::Killed => {
                    let context = format!(
                        "the system killed the Python process with {rows_at_once} rows in memory at once, \
                         which it does when memory is short; restarts: {restarts}"
                    );
                    return Err(Error::new(ErrorKind::Engine, context).with_code(ErrorCode::OutOfMemory));
                }
                other => return Err(other.into_error()),
            }
        }
    }
}

/// What the process reads, in the folder of the training.
struct Files {
    script: PathBuf,
    job: PathBuf,
}

impl Files {
    fn write(job: &EngineJob) -> Result<Self, Error> {
        let parent = job.checkpoint.parent().filter(|parent| !parent.as_os_str().is_empty());
        let folder = parent.unwrap_or(Path::new("."));
        make_folder(folder)?;
        let files = Self {
            script: folder.join("train.py"),
            job: folder.join("torch-job.json"),
        };
        write(&files.script, SCRIPT.as_bytes())?;
        write_json(&files.job, job)?;
        Ok(files)
    }
}

/// Checks every byte of the samples, so that the process need not.
fn check_samples(job: &EngineJob) -> Result<(), Error> {
    if Dataset::open(&job.train)?.is_empty() {
        let context = "there is no row to learn";
        return Err(Error::new(ErrorKind::Nothing, context));
    }
    job.validation.as_deref().map(Dataset::open).transpose()?;
    Ok(())
}

/// What a row takes in `native`, where that knows the model, and else the bytes of the weights.
fn needed_bytes(job: &EngineJob) -> u64 {
    let recompute = if job.recompute {
        Recompute::PerLayer
    } else {
        Recompute::None
    };
    match (ModelConfig::read(&job.base), read_summary(&job.train)) {
        (Ok(config), Ok(summary)) => {
            let length = summary.config.sequence_length;
            estimate(&config, job.lora.as_ref(), 1, length, recompute).required()
        }
        _ => weight_bytes(&job.base).unwrap_or(0),
    }
}

fn weight_bytes(folder: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("safetensors")) {
            bytes += path.metadata()?.len();
        }
    }
    Ok(bytes)
}

fn internal(context: impl Into<String>) -> Error {
    Error::new(ErrorKind::Engine, context)
}

impl ProcessEnd {
    /// Why there is no result.
    fn into_error(self) -> Error {
        match self {
            Self::Stopped => Error::canceled(),
            Self::Failed { kind, text, on_gpu } => failed(kind, text, on_gpu),
            Self::Silent { seconds, tail } => Error::new(
                ErrorKind::Engine,
                with_tail(
                    &format!("the Python process told nothing for {seconds} s and was killed"),
                    &tail,
                ),
            )
            .with_code(ErrorCode::Timeout),
            Self::OtherProtocol { version } => internal(format!(
                "the Python process speaks version {version} of the protocol, not {}",
                message::PROTOCOL
            )),
            Self::Ended { how, tail } => internal(with_tail(&format!("the Python process ended early ({how})"), &tail)),
            Self::Done(_) | Self::Killed => internal("the Python process ended early"),
        }
    }
}

fn failed(kind: Failure, text: String, on_gpu: bool) -> Error {
    let (kind, code) = match kind {
        Failure::Diverged => (ErrorKind::Diverged, ErrorCode::CorruptInput),
        Failure::Model => (ErrorKind::Model, ErrorCode::Validation),
        Failure::Data => (ErrorKind::Samples, ErrorCode::CorruptStore),
        Failure::Memory if on_gpu => (ErrorKind::Engine, ErrorCode::GpuOutOfMemory),
        Failure::Memory => (ErrorKind::Engine, ErrorCode::OutOfMemory),
        Failure::Other => (ErrorKind::Engine, ErrorCode::Internal),
    };
    Error::new(kind, text).with_code(code)
}

fn with_tail(context: &str, tail: &str) -> String {
    if tail.is_empty() {
        context.to_owned()
    } else {
        format!("{context}; the end of what it wrote:\n{tail}")
    }
}
