//! The loop: when a training starts, what it does in which order, and how it goes on after whatever ended it.

use std::cell::RefCell;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use codelupe_catalogue::{
    Catalogue, ModelKind, NewModel, NewTraining, Signal, TrainingEnd, TrainingProgress, TrainingRow, TrainingState,
};
use codelupe_core::{ErrorCode, error::chain_text};
use codelupe_corpus::DataFolder;
use codelupe_disk::{Lock, make_folder, publish_folder, read_json, remove, write, write_json};
use codelupe_model::{Adapter, Model};
use codelupe_samples::{Dataset, Tokenizer};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use crate::base::{Base, find_base};
use crate::card::{TrainingRecord, complete};
use crate::config::{Mode, TrainConfig};
use crate::cursor::{self, Choice};
use crate::documents::{Build, no_build};
use crate::engine::{StopToken, choose};
use crate::environment::Environment;
use crate::error::{Error, ErrorKind};
use crate::evaluate::{Candidate, Evaluation};
use crate::format::format;
use crate::job::TrainEvent;
use crate::registry::{Registry, name_of_result};
use crate::report::report;
use crate::training::{self, EventLog, Figures, Plan, TrainingFolder, job};

/// How often the catalogue is asked whether the training is to be canceled.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// Files whose samples are looked at.
const PREVIEWED: usize = 400;

/// What is asked of the trainer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    /// Start a training however little is new, as long as there is something to learn.
    pub force: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// A training ended well.
    Finished(Box<Finished>),
    /// There is too little that is new.
    Waiting {
        /// New files.
        new_files: u64,
        /// From so many on a training starts.
        needed: u64,
    },
    /// The training was canceled by request.
    Canceled,
}

/// A training that ended well.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finished {
    /// The training.
    pub training: String,
    /// The model that it made.
    pub model: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The report.
    pub report: PathBuf,
    /// Whether it is in use now.
    pub promoted: bool,
    /// New files that are left for the next training.
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
    environment: Environment,
    folder: DataFolder,
    catalogue: Catalogue,
    runtime: Handle,
    stop: StopToken,
    /// What was found when it was looked last, so that waiting does not read the same build over and over.
    counted: RefCell<Option<Counted>>,
    _lock: Lock,
}

/// New files of a build for a line, while nothing more was learned.
#[derive(Debug, Clone)]
struct Counted {
    /// The line, and the digest of the build.
    key: (String, String),
    new_files: u64,
}

/// Evaluations of a training: `evaluation.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Judgment {
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
        environment: Environment,
        folder: DataFolder,
        catalogue: Catalogue,
        runtime: Handle,
        stop: StopToken,
    ) -> Result<Self, Error> {
        config.validate()?;
        make_folder(&folder.models())?;
        let lock = lock(&folder)?.ok_or_else(|| {
            let context = "another process trains in this data folder";
            Error::new(ErrorKind::Busy, context)
        })?;
        Ok(Self {
            config,
            environment,
            folder,
            catalogue,
            runtime,
            stop,
            counted: RefCell::new(None),
            _lock: lock,
        })
    }

    /// Goes on with the open training, or starts one if there is enough that is new, and brings it to its end.
    ///
    /// # Errors
    /// `Canceled` after a stop: the training is open, and the next call goes on with it. So it is after a full disk and other
    /// troubles of the machine. After any other error the training has failed, and the catalogue says why.
    pub fn train_once(&self, request: Request, tell: &mut dyn FnMut(&TrainEvent)) -> Result<Outcome, Error> {
        let training = match self.open_training()? {
            Some(training) => training,
            None => match self.start(request)? {
                Started::Training(training) => *training,
                Started::Waiting(outcome) => return Ok(outcome),
            },
        };
        match self.go_on(&training, tell) {
            Ok(outcome) => Ok(outcome),
            Err(error) if goes_on(&error) => Err(error),
            Err(error) => {
                self.fail(training.id, error.code(), chain_text(&error))?;
                Err(error)
            }
        }
    }

    /// Whether somebody asked for a training.
    ///
    /// # Errors
    /// `Store` when the catalogue cannot be read.
    pub fn is_asked(&self) -> Result<bool, Error> {
        Ok(self.runtime.block_on(self.catalogue.take_signal(Signal::Start))?)
    }

    /// Samples of a few files that a training would learn now, to be looked at.
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
        remove(&folder)?;
        make_folder(&folder)?;
        format(&build, &tokenizer, &self.config, &choice, &folder)?;
        let dataset = Dataset::open(&folder.join("train"));
        // The rows stay mapped without their names.
        remove(&folder)?;
        Ok(Preview {
            dataset: dataset?,
            tokenizer,
        })
    }

    fn training_folder(&self, name: &str) -> TrainingFolder {
        TrainingFolder(self.folder.models().join("trainings").join(name))
    }

    /// The training that an earlier process left open, if it can go on.
    fn open_training(&self) -> Result<Option<TrainingRow>, Error> {
        let Some(training) = self.runtime.block_on(self.catalogue.open_training())? else {
            return Ok(None);
        };
        if self.training_folder(&training.name).plan().is_file() {
            tracing::info!(training = training.name, state = %training.state, "going on with an open training");
            return Ok(Some(training));
        }
        // It had decided nothing yet: another one takes its place.
        let why = "ended before its samples were made".to_owned();
        self.fail(training.id, ErrorCode::Canceled, why)?;
        remove(self.training_folder(&training.name).path())?;
        Ok(None)
    }

    fn fail(&self, training: i64, code: ErrorCode, why: String) -> Result<(), Error> {
        let end = TrainingEnd {
            state: TrainingState::Failed,
            figures: None,
            error: Some((code.to_string(), why)),
        };
        Ok(self
            .runtime
            .block_on(self.catalogue.end_training(training, &end, None, &[]))?)
    }

    /// What would be trained now, and on which build.
    fn find(&self) -> Result<(Base, Build), Error> {
        let models = self.runtime.block_on(self.catalogue.models())?;
        let base = find_base(&self.config, &self.folder, &models)?;
        let row = self.runtime.block_on(self.catalogue.latest_build())?;
        let build = Build::open(&self.folder, &row.ok_or_else(|| no_build(self.folder.root()))?)?;
        Ok((base, build))
    }

    /// What a training would learn of a build, which is read for it.
    fn choose(&self, base: &Base, build: &Build) -> Result<Choice, Error> {
        let learned = self.runtime.block_on(self.catalogue.trained_contents(&base.line))?;
        let config = &self.config;
        cursor::choose(build, &learned, config.max_new_files, config.replay_share, config.seed)
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
        // A request to cancel that no training was open for is not for this one.
        self.runtime.block_on(self.catalogue.take_signal(Signal::Cancel))?;
        let latest = self.runtime.block_on(self.catalogue.trainings(1))?;
        let number = latest.first().map_or(0, |training| training.id) + 1;
        let new = NewTraining {
            name: format!("training-{number}"),
            base: base.name.clone(),
            parent: base.parent.as_ref().map(|parent| parent.name.clone()),
            build: build.digest.clone(),
            config: serde_json::to_string(&self.config).unwrap_or_default(),
        };
        let id = self.runtime.block_on(self.catalogue.start_training(&new))?;
        tracing::info!(training = new.name, base = base.name, new_files, "making samples");
        let folder = self.training_folder(&new.name);
        remove(folder.path())?;
        make_folder(folder.path())?;
        let planned = self.plan(&base, &build, choice, number, &folder);
        if let Err(error) = planned {
            self.fail(id, error.code(), chain_text(&error))?;
            return Err(error);
        }
        let training = self.runtime.block_on(self.catalogue.open_training())?;
        training
            .map(|training| Started::Training(Box::new(training)))
            .ok_or_else(|| {
                Error::new(ErrorKind::Store, "the training was ended by somebody else").with_code(ErrorCode::Conflict)
            })
    }

    /// Makes the samples and decides everything that the training depends on.
    fn plan(
        &self,
        base: &Base,
        build: &Build,
        choice: Choice,
        number: i64,
        training: &TrainingFolder,
    ) -> Result<(), Error> {
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
        let material = format(build, &tokenizer, &self.config, &choice, training.path())?;
        if material.rows == 0 {
            let context = format!(
                "no sample can be made of the {} new files of the build",
                choice.new.len()
            );
            return Err(Error::new(ErrorKind::Nothing, context));
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
        Ok(write_json(&training.plan(), &plan)?)
    }

    /// Trains, judges, keeps: each step finds out whether it was done already.
    fn go_on(&self, training: &TrainingRow, tell: &mut dyn FnMut(&TrainEvent)) -> Result<Outcome, Error> {
        let folder = self.training_folder(&training.name);
        let config: TrainConfig =
            serde_json::from_str(&training.config).map_err(|error| Error::damaged(folder.path(), error))?;
        let plan: Plan = read_json(&folder.plan())?.ok_or_else(|| Error::damaged(&folder.plan(), "it is not there"))?;
        let target = self.folder.models().join(&plan.name);
        let registry = Registry::new(self.folder.clone(), self.catalogue.clone(), self.runtime.clone());
        if !target.join("training.json").is_file() {
            if self.train(training, &config, &plan, &folder, tell)?.is_none() {
                return self.cancel(training, &folder);
            }
            self.judge(training, &config, &plan, &folder, &registry)?;
            publish_folder(&folder.result(), &target)?;
        }
        let record: TrainingRecord = read_json(&target.join("training.json"))?
            .ok_or_else(|| Error::damaged(&target, "it has no training.json"))?;
        let promoted = is_better(&record);
        let learned = &plan.choice.new;
        let made = NewModel {
            name: plan.name.clone(),
            kind: match config.mode {
                Mode::Lora => ModelKind::Adapter,
                Mode::Full => ModelKind::Full,
            },
            line: plan.line.clone(),
            base: (config.mode == Mode::Lora).then(|| plan.base.clone()),
            parent: plan.parent.clone(),
            loss: record.figures.held_out_loss,
            evaluation: record.evaluation.as_ref().and_then(|it| serde_json::to_string(it).ok()),
            promote: promoted,
        };
        let end = TrainingEnd {
            state: TrainingState::Finished,
            figures: serde_json::to_string(&record.figures).ok(),
            error: None,
        };
        self.runtime
            .block_on(self.catalogue.end_training(training.id, &end, Some(&made), learned))?;
        training::tidy(&folder)?;
        registry.retain(&plan.line, config.keep)?;
        self.retain_trainings(config.keep)?;
        Ok(Outcome::Finished(Box::new(Finished {
            training: training.name.clone(),
            model: plan.name,
            folder: target,
            report: folder.report(),
            promoted,
            left: plan.choice.left,
            figures: record.figures,
        })))
    }

    /// Lets an engine do the job; none when somebody canceled it. Where the result is there already, nothing is done.
    fn train(
        &self,
        training: &TrainingRow,
        config: &TrainConfig,
        plan: &Plan,
        folder: &TrainingFolder,
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
        let (engine, why) = choose(config.engine, &config.torch, &self.environment, &job)?;
        tracing::info!(
            training = training.name,
            engine = engine.name(),
            why,
            steps = job.steps,
            "training"
        );
        let progress = TrainingProgress {
            data: Some(plan.material.data.clone()),
            engine: Some(engine.name().to_owned()),
            figures: None,
        };
        self.advance(training, TrainingState::Training, &progress)?;
        let mut log = EventLog::open(&folder.events())?;
        let stop = self.stop.part();
        let mut asked = Instant::now();
        let mut trouble = None;
        let mut canceled = false;
        let ended = engine.run(
            &job,
            &mut |event| {
                tell(&event);
                trouble = trouble.take().or_else(|| log.push(event).err());
                if asked.elapsed() >= ASK_EVERY {
                    asked = Instant::now();
                    let signal = self.runtime.block_on(self.catalogue.take_signal(Signal::Cancel));
                    canceled |= signal.unwrap_or(false);
                }
                if canceled || trouble.is_some() {
                    stop.stop();
                }
            },
            &stop,
        );
        match (ended, trouble) {
            (Err(error), None) if canceled && error.kind() == ErrorKind::Canceled => Ok(None),
            (_, Some(error)) | (Err(error), None) => Err(error),
            (Ok(_), None) => Ok(Some(())),
        }
    }

    /// Compares the result with what is in use, and puts everything beside it.
    fn judge(
        &self,
        training: &TrainingRow,
        config: &TrainConfig,
        plan: &Plan,
        folder: &TrainingFolder,
        registry: &Registry,
    ) -> Result<(), Error> {
        self.advance(training, TrainingState::Evaluating, &TrainingProgress::default())?;
        tracing::info!(training = training.name, "comparing with the model in use");
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
        let judgment = match read_json::<Judgment>(&path)? {
            Some(judgment) => judgment,
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
                Judgment {
                    evaluation: Some(evaluation),
                    compared: Some(compared),
                }
            }
            None => Judgment {
                evaluation: None,
                compared: None,
            },
        };
        write_json(&path, &judgment)?;
        self.finish_result(training, config, plan, folder, judgment)
    }

    fn finish_result(
        &self,
        training: &TrainingRow,
        config: &TrainConfig,
        plan: &Plan,
        folder: &TrainingFolder,
        judgment: Judgment,
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
            held_out_loss: loss(&judgment.evaluation),
            compared_loss: loss(&judgment.compared),
            rows_at_once,
            ..measured
        };
        let open = self.runtime.block_on(self.catalogue.open_training())?;
        let record = TrainingRecord {
            program: concat!("codelupe ", env!("CARGO_PKG_VERSION")).to_owned(),
            name: plan.name.clone(),
            base: plan.base.clone(),
            parent: plan.parent.clone(),
            training: training.name.clone(),
            engine: open.and_then(|training| training.engine).unwrap_or_default(),
            config: config.clone(),
            material: plan.material.clone(),
            figures,
            evaluation: judgment.evaluation,
            compared: judgment.compared,
        };
        write(&folder.report(), report(&record, &log.events)?.as_bytes())?;
        complete(&folder.result(), &plan.base_folder, &record)
    }

    fn cancel(&self, training: &TrainingRow, folder: &TrainingFolder) -> Result<Outcome, Error> {
        let figures = EventLog::open(&folder.events())?.figures();
        let end = TrainingEnd {
            state: TrainingState::Canceled,
            figures: serde_json::to_string(&figures).ok(),
            error: None,
        };
        self.runtime
            .block_on(self.catalogue.end_training(training.id, &end, None, &[]))?;
        training::tidy(folder)?;
        Ok(Outcome::Canceled)
    }

    fn advance(&self, training: &TrainingRow, state: TrainingState, progress: &TrainingProgress) -> Result<(), Error> {
        Ok(self
            .runtime
            .block_on(self.catalogue.advance_training(training.id, state, progress))?)
    }

    /// Removes the folders of the oldest trainings.
    fn retain_trainings(&self, keep: u32) -> Result<(), Error> {
        let folders = training::folders(&self.folder.models().join("trainings"))?;
        let surplus = folders.len().saturating_sub(keep as usize + 1);
        Ok(folders[..surplus].iter().try_for_each(|folder| remove(folder))?)
    }
}

/// What starting came to.
enum Started {
    Training(Box<TrainingRow>),
    Waiting(Outcome),
}

impl Started {
    const fn waiting(new_files: u64, needed: u64) -> Self {
        Self::Waiting(Outcome::Waiting { new_files, needed })
    }
}

/// Whether a training stays open after an error, for the next process to go on with.
fn goes_on(error: &Error) -> bool {
    error.kind() == ErrorKind::Canceled
        || matches!(
            error.code(),
            ErrorCode::DiskFull | ErrorCode::Permission | ErrorCode::Storage | ErrorCode::Database
        )
}

/// Whether a model is to take the place of what it was compared with. Without held-out files, the newer is taken to be better.
fn is_better(training: &TrainingRecord) -> bool {
    match (training.figures.held_out_loss, training.figures.compared_loss) {
        (Some(loss), Some(compared)) => loss < compared,
        (Some(loss), None) => loss.is_finite(),
        (None, _) => true,
    }
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
pub(crate) fn lock(folder: &DataFolder) -> Result<Option<Lock>, Error> {
    Ok(Lock::try_alone(&folder.models().join("lock"))?)
}
