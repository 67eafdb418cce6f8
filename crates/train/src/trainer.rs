//! The loop: when a run starts, what it does in which order, and how it goes on after whatever ended it.

use std::cell::RefCell;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use codelupe_core::ErrorCode;
use codelupe_model::{Adapter, Model};
use codelupe_samples::{Dataset, Tokenizer};
use codelupe_store::catalogue::{ModelKind, NewModel, NewRun, RunEnd, RunProgress, RunRow, RunState, Signal};
use codelupe_store::{Catalogue, DataFolder};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::base::{Base, find_base};
use crate::card::{Training, complete};
use crate::config::{Mode, TrainConfig};
use crate::cursor::{self, Choice};
use crate::documents::{Build, no_build};
use crate::engine::{StopToken, choose};
use crate::error::{Error, ErrorKind};
use crate::evaluate::{Candidate, Evaluation};
use crate::files::{make_folder, read_json, remove_folder, rename, write, write_json};
use crate::format::format;
use crate::job::TrainEvent;
use crate::registry::{Registry, name_of_result};
use crate::report::report;
use crate::run::{self, EventLog, Figures, Plan, RunFolder, job};

/// How often the catalogue is asked whether the run is to be cancelled.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Files whose samples are looked at.
const PREVIEWED: usize = 400;

/// What is asked of the trainer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    /// Start a run however little is new, as long as there is something to learn.
    pub force: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A run ended well.
    Finished(Box<Finished>),
    /// There is too little that is new.
    Waiting {
        /// New files.
        new_files: u64,
        /// From so many on a run starts.
        needed: u64,
    },
    /// The run was cancelled by request.
    Cancelled,
}

/// A run that ended well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finished {
    /// The run.
    pub run: String,
    /// The model that it made.
    pub model: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The report.
    pub report: PathBuf,
    /// Whether it is in use now.
    pub promoted: bool,
    /// New files that are left for the next run.
    pub left: u64,
    /// Losses, speed, memory.
    pub figures: Figures,
}

/// Samples to be looked at.
pub struct Preview {
    /// The samples.
    pub dataset: Dataset,
    /// How their tokens become text.
    pub tokenizer: Tokenizer,
}

/// Keeps a model of a data folder learning. Its calls block.
pub struct Trainer {
    config: TrainConfig,
    folder: DataFolder,
    catalogue: Catalogue,
    runtime: Handle,
    stop: StopToken,
    /// What was found when it was looked last, so that waiting does not read the same build over and over.
    counted: RefCell<Option<Counted>>,
    _lock: File,
}

/// New files of a build for a line, while nothing more was learnt.
#[derive(Debug, Clone)]
struct Counted {
    /// The line, and the digest of the build.
    key: (String, String),
    new_files: u64,
}

/// Evaluations of a run: `evaluation.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Judgement {
    evaluation: Option<Evaluation>,
    compared: Option<Evaluation>,
}

impl Trainer {
    /// Takes the right to train in a data folder.
    ///
    /// # Errors
    /// `Busy` while another process has it; `Config` for settings that are not valid; `Store`.
    pub fn open(
        config: TrainConfig,
        folder: DataFolder,
        catalogue: Catalogue,
        runtime: Handle,
        stop: StopToken,
    ) -> Result<Self, Error> {
        config.validate()?;
        make_folder(&folder.models())?;
        let lock = lock(&folder)?.ok_or_else(|| {
            let context = "another process trains in this data folder";
            Error::new(ErrorKind::Busy, ErrorCode::Conflict, context)
        })?;
        Ok(Self {
            config,
            folder,
            catalogue,
            runtime,
            stop,
            counted: RefCell::new(None),
            _lock: lock,
        })
    }

    /// Goes on with the open run, or starts one if there is enough that is new, and brings it to its end.
    ///
    /// # Errors
    /// `Cancelled` after a stop: the run is open, and the next call goes on with it. So it is after a full disk and other
    /// troubles of the machine. After any other error the run has failed, and the catalogue says why.
    pub fn run_once(&self, request: Request, tell: &mut dyn FnMut(&TrainEvent)) -> Result<Outcome, Error> {
        let run = match self.open_run()? {
            Some(run) => run,
            None => match self.start(request)? {
                Started::Run(run) => *run,
                Started::Waiting(outcome) => return Ok(outcome),
            },
        };
        match self.go_on(&run, tell) {
            Ok(outcome) => Ok(outcome),
            Err(error) if goes_on(&error) => Err(error),
            Err(error) => {
                self.fail(run.id, error.code(), error.chain())?;
                Err(error)
            }
        }
    }

    /// Whether somebody asked for a run.
    ///
    /// # Errors
    /// `Store` when the catalogue cannot be read.
    pub fn is_asked(&self) -> Result<bool, Error> {
        Ok(self.runtime.block_on(self.catalogue.take_signal(Signal::Start))?)
    }

    /// Samples of a few files that a run would learn now, to be looked at.
    ///
    /// # Errors
    /// `Nothing` without a build; `Model` without a base; `Samples` or `Store`.
    pub fn preview(&self) -> Result<Preview, Error> {
        let (base, build) = self.find()?;
        let choice = self.choose(&base, &build)?;
        let choice = Choice {
            new: choice.new.into_iter().take(PREVIEWED).collect(),
            replayed: choice.replayed.into_iter().take(PREVIEWED).collect(),
            left: 0,
        };
        let tokenizer = Tokenizer::open(&base.folder)?;
        let folder = self.folder.models().join("preview");
        remove_folder(&folder)?;
        make_folder(&folder)?;
        format(&build, &tokenizer, &self.config, &choice, &folder)?;
        let dataset = Dataset::open(&folder.join("train"));
        // The rows stay mapped without their names.
        remove_folder(&folder)?;
        Ok(Preview {
            dataset: dataset?,
            tokenizer,
        })
    }

    fn run_folder(&self, name: &str) -> RunFolder {
        RunFolder(self.folder.models().join("runs").join(name))
    }

    /// The run that an earlier process left open, if it can go on.
    fn open_run(&self) -> Result<Option<RunRow>, Error> {
        let Some(run) = self.runtime.block_on(self.catalogue.open_run())? else {
            return Ok(None);
        };
        if self.run_folder(&run.name).plan().is_file() {
            tracing::info!(run = run.name, state = %run.state, "going on with an open run");
            return Ok(Some(run));
        }
        // It had decided nothing yet: another one takes its place.
        let why = "ended before its samples were made".to_owned();
        self.fail(run.id, ErrorCode::Cancelled, why)?;
        remove_folder(self.run_folder(&run.name).path())?;
        Ok(None)
    }

    fn fail(&self, run: i64, code: ErrorCode, why: String) -> Result<(), Error> {
        let end = RunEnd {
            state: RunState::Failed,
            figures: None,
            error: Some((code.to_string(), why)),
        };
        Ok(self.runtime.block_on(self.catalogue.end_run(run, &end, None, &[]))?)
    }

    /// What would be trained now, and on which build.
    fn find(&self) -> Result<(Base, Build), Error> {
        let models = self.runtime.block_on(self.catalogue.models())?;
        let base = find_base(&self.config, &self.folder, &models)?;
        let row = self.runtime.block_on(self.catalogue.latest_build())?;
        let build = Build::open(&self.folder, &row.ok_or_else(|| no_build(self.folder.root()))?)?;
        Ok((base, build))
    }

    /// What a run would learn of a build, which is read for it.
    fn choose(&self, base: &Base, build: &Build) -> Result<Choice, Error> {
        let learnt = self.runtime.block_on(self.catalogue.trained_contents(&base.line))?;
        let config = &self.config;
        cursor::choose(build, &learnt, config.max_new_files, config.replay_share, config.seed)
    }

    fn start(&self, request: Request) -> Result<Started, Error> {
        let (base, build) = self.find()?;
        let needed = if request.force { 1 } else { self.config.min_new_files };
        let key = (base.line.clone(), build.digest.clone());
        let known = self.counted.borrow().clone().filter(|counted| counted.key == key);
        if let Some(counted) = known.filter(|counted| counted.new_files < needed) {
            return Ok(Started::waiting(counted.new_files, needed));
        }
        let choice = self.choose(&base, &build)?;
        let new_files = choice.found();
        self.counted.replace(Some(Counted { key, new_files }));
        if new_files < needed {
            return Ok(Started::waiting(new_files, needed));
        }
        self.counted.replace(None);
        // A request to cancel that no run was open for is not for this one.
        self.runtime.block_on(self.catalogue.take_signal(Signal::Cancel))?;
        let latest = self.runtime.block_on(self.catalogue.runs(1))?;
        let number = latest.first().map_or(0, |run| run.id) + 1;
        let new = NewRun {
            name: format!("run-{number}"),
            base: base.name.clone(),
            parent: base.parent.as_ref().map(|parent| parent.name.clone()),
            build: build.digest.clone(),
            config: serde_json::to_string(&self.config).unwrap_or_default(),
        };
        let id = self.runtime.block_on(self.catalogue.start_run(&new))?;
        tracing::info!(run = new.name, base = base.name, new_files, "making samples");
        let folder = self.run_folder(&new.name);
        remove_folder(folder.path())?;
        make_folder(folder.path())?;
        let planned = self.plan(&base, &build, choice, number, &folder);
        if let Err(error) = planned {
            self.fail(id, error.code(), error.chain())?;
            return Err(error);
        }
        let run = self.runtime.block_on(self.catalogue.open_run())?;
        run.map(|run| Started::Run(Box::new(run))).ok_or_else(|| {
            Error::new(
                ErrorKind::Store,
                ErrorCode::Conflict,
                "the run was ended by somebody else",
            )
        })
    }

    /// Makes the samples and decides everything that the run depends on.
    fn plan(&self, base: &Base, build: &Build, choice: Choice, number: i64, run: &RunFolder) -> Result<(), Error> {
        let model = Model::open(&base.folder)?;
        let tokenizer = Tokenizer::open(&base.folder)?;
        tokenizer.check_vocabulary(model.config().vocab_size)?;
        let longest = model.config().max_position_embeddings;
        if self.config.samples.sequence_length > longest {
            return Err(Error::config(format!(
                "train.samples.sequence_length is {}, and `{}` takes {longest} tokens at most",
                self.config.samples.sequence_length, base.name
            )));
        }
        let material = format(build, &tokenizer, &self.config, &choice, run.path())?;
        if material.rows == 0 {
            let context = format!(
                "no sample can be made of the {} new files of the build",
                choice.new.len()
            );
            return Err(Error::new(ErrorKind::Nothing, ErrorCode::NotFound, context));
        }
        let kind = match self.config.mode {
            Mode::Lora => "lora",
            Mode::Full => "full",
        };
        let origin = base.line.strip_suffix("+lora").unwrap_or(&base.line);
        let plan = Plan {
            name: name_of_result(std::path::Path::new(origin), kind, number),
            base: base.name.clone(),
            base_folder: base.folder.clone(),
            line: base.line.clone(),
            parent: base.parent.as_ref().map(|parent| parent.name.clone()),
            choice,
            material,
        };
        write_json(&run.plan(), &plan)
    }

    /// Trains, judges, keeps: each step finds out whether it was done already.
    fn go_on(&self, run: &RunRow, tell: &mut dyn FnMut(&TrainEvent)) -> Result<Outcome, Error> {
        let folder = self.run_folder(&run.name);
        let config: TrainConfig =
            serde_json::from_str(&run.config).map_err(|error| Error::damaged(folder.path(), error))?;
        let plan: Plan = read_json(&folder.plan())?.ok_or_else(|| Error::damaged(&folder.plan(), "it is not there"))?;
        let target = self.folder.models().join(&plan.name);
        let registry = Registry::new(self.folder.clone(), self.catalogue.clone(), self.runtime.clone());
        if !target.join("training.json").is_file() {
            if self.train(run, &config, &plan, &folder, tell)?.is_none() {
                return self.cancel(run, &folder);
            }
            self.judge(run, &config, &plan, &folder, &registry)?;
            rename_over(&folder.result(), &target)?;
        }
        let training: Training = read_json(&target.join("training.json"))?
            .ok_or_else(|| Error::damaged(&target, "it has no training.json"))?;
        let promoted = is_better(&training);
        let learnt = &plan.choice.new;
        let made = NewModel {
            name: plan.name.clone(),
            kind: match config.mode {
                Mode::Lora => ModelKind::Adapter,
                Mode::Full => ModelKind::Full,
            },
            line: plan.line.clone(),
            base: (config.mode == Mode::Lora).then(|| plan.base.clone()),
            parent: plan.parent.clone(),
            loss: training.figures.held_out_loss,
            evaluation: training
                .evaluation
                .as_ref()
                .and_then(|it| serde_json::to_string(it).ok()),
            promote: promoted,
        };
        let end = RunEnd {
            state: RunState::Finished,
            figures: serde_json::to_string(&training.figures).ok(),
            error: None,
        };
        self.runtime
            .block_on(self.catalogue.end_run(run.id, &end, Some(&made), learnt))?;
        run::tidy(&folder)?;
        registry.retain(&plan.line, config.keep)?;
        self.retain_runs(config.keep)?;
        Ok(Outcome::Finished(Box::new(Finished {
            run: run.name.clone(),
            model: plan.name,
            folder: target,
            report: folder.report(),
            promoted,
            left: plan.choice.left,
            figures: training.figures,
        })))
    }

    /// Lets an engine do the job; none when somebody cancelled it. Where the result is there already, nothing is done.
    fn train(
        &self,
        run: &RunRow,
        config: &TrainConfig,
        plan: &Plan,
        folder: &RunFolder,
        tell: &mut dyn FnMut(&TrainEvent),
    ) -> Result<Option<()>, Error> {
        let adapter = plan.parent.as_ref().filter(|_| config.mode == Mode::Lora);
        let job = job(
            config,
            plan,
            adapter.map(|name| self.folder.models().join(name)),
            folder,
        );
        write_json(&folder.path().join("job.json"), &job)?;
        if folder.result().is_dir() {
            return Ok(Some(()));
        }
        let (engine, why) = choose(config.engine, &config.torch, &job)?;
        tracing::info!(
            run = run.name,
            engine = engine.name(),
            why,
            steps = job.steps,
            "training"
        );
        let progress = RunProgress {
            data: Some(plan.material.data.clone()),
            engine: Some(engine.name().to_owned()),
            figures: None,
        };
        self.advance(run, RunState::Training, &progress)?;
        let mut log = EventLog::open(&folder.events())?;
        let stop = self.stop.part();
        let mut asked = Instant::now();
        let mut trouble = None;
        let mut cancelled = false;
        let ended = engine.run(
            &job,
            &mut |event| {
                tell(&event);
                trouble = trouble.take().or_else(|| log.push(event).err());
                if asked.elapsed() >= ASK_EVERY {
                    asked = Instant::now();
                    let signal = self.runtime.block_on(self.catalogue.take_signal(Signal::Cancel));
                    cancelled |= signal.unwrap_or(false);
                }
                if cancelled || trouble.is_some() {
                    stop.stop();
                }
            },
            &stop,
        );
        match (ended, trouble) {
            (Err(error), None) if cancelled && error.kind() == ErrorKind::Cancelled => Ok(None),
            (_, Some(error)) | (Err(error), None) => Err(error),
            (Ok(_), None) => Ok(Some(())),
        }
    }

    /// Compares the result with what is in use, and puts everything beside it.
    fn judge(
        &self,
        run: &RunRow,
        config: &TrainConfig,
        plan: &Plan,
        folder: &RunFolder,
        registry: &Registry,
    ) -> Result<(), Error> {
        self.advance(run, RunState::Evaluating, &RunProgress::default())?;
        tracing::info!(run = run.name, "comparing with the model in use");
        let tokenizer = Tokenizer::open(&plan.base_folder)?;
        let judge = |model: &Model, adapter: Option<&Adapter>| {
            let candidate = Candidate {
                model,
                adapter,
                tokenizer: &tokenizer,
            };
            candidate.evaluate(folder.path(), (config.held_out_rows, config.held_out_holes), &self.stop)
        };
        let path = folder.path().join("evaluation.json");
        let judgement = match read_json::<Judgement>(&path)? {
            Some(judgement) => judgement,
            None if plan.material.held_out => {
                let base = Model::open(&plan.base_folder)?.with_name(plan.base_folder.display().to_string());
                let (evaluation, compared) = if config.mode == Mode::Lora {
                    let made = Adapter::read(&folder.result(), &base)?;
                    let before = plan.parent.as_ref().map(|name| registry.folder_of(name));
                    let before = before.map(|folder| Adapter::read(&folder, &base)).transpose()?;
                    (judge(&base, Some(&made))?, judge(&base, before.as_ref())?)
                } else {
                    (judge(&Model::open(&folder.result())?, None)?, judge(&base, None)?)
                };
                Judgement {
                    evaluation: Some(evaluation),
                    compared: Some(compared),
                }
            }
            None => Judgement {
                evaluation: None,
                compared: None,
            },
        };
        write_json(&path, &judgement)?;
        self.finish_result(run, config, plan, folder, judgement)
    }

    fn finish_result(
        &self,
        run: &RunRow,
        config: &TrainConfig,
        plan: &Plan,
        folder: &RunFolder,
        judgement: Judgement,
    ) -> Result<(), Error> {
        let log = EventLog::open(&folder.events())?;
        let loss = |evaluation: &Option<Evaluation>| evaluation.as_ref().map(|evaluation| evaluation.total.loss);
        let measured = log.figures();
        let rows_at_once = match measured.rows_at_once {
            0 => config.rows_at_once,
            fewer => fewer,
        };
        let figures = Figures {
            is_adapter: config.mode == Mode::Lora,
            new_files: plan.choice.new.len() as u64,
            replayed_files: plan.choice.replayed.len() as u64,
            held_out_loss: loss(&judgement.evaluation),
            compared_loss: loss(&judgement.compared),
            rows_at_once,
            ..measured
        };
        let open = self.runtime.block_on(self.catalogue.open_run())?;
        let training = Training {
            program: concat!("codelupe ", env!("CARGO_PKG_VERSION")).to_owned(),
            name: plan.name.clone(),
            base: plan.base.clone(),
            parent: plan.parent.clone(),
            run: run.name.clone(),
            engine: open.and_then(|run| run.engine).unwrap_or_default(),
            config: config.clone(),
            material: plan.material.clone(),
            figures,
            evaluation: judgement.evaluation,
            compared: judgement.compared,
        };
        write(&folder.report(), report(&training, &log.events)?.as_bytes())?;
        complete(&folder.result(), &plan.base_folder, &training)
    }

    fn cancel(&self, run: &RunRow, folder: &RunFolder) -> Result<Outcome, Error> {
        let figures = EventLog::open(&folder.events())?.figures();
        let end = RunEnd {
            state: RunState::Cancelled,
            figures: serde_json::to_string(&figures).ok(),
            error: None,
        };
        self.runtime.block_on(self.catalogue.end_run(run.id, &end, None, &[]))?;
        run::tidy(folder)?;
        Ok(Outcome::Cancelled)
    }

    fn advance(&self, run: &RunRow, state: RunState, progress: &RunProgress) -> Result<(), Error> {
        Ok(self
            .runtime
            .block_on(self.catalogue.advance_run(run.id, state, progress))?)
    }

    /// Removes the folders of the oldest runs.
    fn retain_runs(&self, keep: u32) -> Result<(), Error> {
        let folders = run::folders(&self.folder.models().join("runs"))?;
        let surplus = folders.len().saturating_sub(keep as usize + 1);
        folders[..surplus].iter().try_for_each(|folder| remove_folder(folder))
    }
}

/// What starting came to.
enum Started {
    Run(Box<RunRow>),
    Waiting(Outcome),
}

impl Started {
    const fn waiting(new_files: u64, needed: u64) -> Self {
        Self::Waiting(Outcome::Waiting { new_files, needed })
    }
}

/// Whether a run stays open after an error, for the next process to go on with.
fn goes_on(error: &Error) -> bool {
    error.kind() == ErrorKind::Cancelled
        || matches!(
            error.code(),
            ErrorCode::DiskFull | ErrorCode::Permission | ErrorCode::Storage | ErrorCode::Database
        )
}

/// Whether a model is to take the place of what it was compared with. Without held-out files, the newer is taken to be better.
fn is_better(training: &Training) -> bool {
    match (training.figures.held_out_loss, training.figures.compared_loss) {
        (Some(loss), Some(compared)) => loss < compared,
        (Some(loss), None) => loss.is_finite(),
        (None, _) => true,
    }
}

fn rename_over(from: &std::path::Path, to: &std::path::Path) -> Result<(), Error> {
    remove_folder(to)?;
    rename(from, to)
}

/// Whether a process trains in a data folder, or waits to.
///
/// # Errors
/// `Store` when it cannot be told.
pub fn is_locked(folder: &DataFolder) -> Result<bool, Error> {
    if !folder.models().join("lock").exists() {
        return Ok(false);
    }
    Ok(lock(folder)?.is_none())
}

/// The right to train in a data folder, unless another process has it.
pub(crate) fn lock(folder: &DataFolder) -> Result<Option<File>, Error> {
    let path = folder.models().join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(|error| Error::io("open", &path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", &path, error)),
    }
}
