//! Choosing: which files of the latest build a training learns, whether they are enough, and their samples.

use std::path::Path;

use codelupe_catalogue::{Catalogue, NewTraining, TrainingRow};
use codelupe_core::error::ErrorCode;
use codelupe_corpus::DataFolder;
use codelupe_disk::{make_folder, remove, write_json};
use codelupe_model::Model;
use codelupe_samples::{Dataset, Tokenizer};
use codelupe_worker::Context;
use tokio::runtime::Handle;

use crate::base::{Base, find_base};
use crate::config::{Mode, TrainConfig};
use crate::cursor::{self, Choice};
use crate::documents::{Build, no_build};
use crate::error::{Error, ErrorKind};
use crate::format::format;
use crate::handover;
use crate::registry::name_of_result;
use crate::training::{self, Plan, TrainingFolder};

/// Files whose samples are looked at.
const PREVIEWED: usize = 400;

/// Samples to be looked at.
pub struct Preview {
    /// The samples.
    pub dataset: Dataset,
    /// How their tokens become text.
    pub tokenizer: Tokenizer,
}

/// Looks at what there is to learn. Its calls block.
pub struct Chooser {
    config: TrainConfig,
    folder: DataFolder,
    catalogue: Catalogue,
    runtime: Handle,
}

/// New files of a build for a line of models, while nothing more was learned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// The line, and the digest of the build.
    key: (String, String),
    /// How many they are.
    pub new_files: u64,
}

/// What choosing came to.
pub(crate) enum Chosen {
    Training(Box<TrainingRow>),
    Waiting { new_files: u64, needed: u64 },
}

impl Chooser {
    /// # Errors
    /// `Config` for settings that are not valid.
    pub fn new(config: TrainConfig, folder: DataFolder, catalogue: Catalogue, runtime: Handle) -> Result<Self, Error> {
        config.validate()?;
        Ok(Self {
            config,
            folder,
            catalogue,
            runtime,
        })
    }

    /// The same, for a job.
    pub(crate) fn of(context: &Context, config: TrainConfig) -> Result<Self, Error> {
        let (folder, catalogue) = (context.folder.clone(), context.catalogue.clone());
        Self::new(config, folder, catalogue, context.runtime.clone())
    }

    /// New files of the latest build. What was counted before is not counted again while it is the same build and line, so
    /// that waiting does not read the same build over and over.
    ///
    /// # Errors
    /// `Nothing` without a build; `Model` without a base; `Store`.
    pub fn count(&self, before: Option<Counted>) -> Result<Counted, Error> {
        let (base, build) = self.find()?;
        let key = (base.line.clone(), build.digest.clone());
        if let Some(counted) = before.filter(|counted| counted.key == key) {
            return Ok(counted);
        }
        let new_files = self.choose(&base, &build)?.found();
        Ok(Counted { key, new_files })
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
        let tokenizer = Tokenizer::open(base.stage(&self.folder)?.path())?;
        // Swept by the next writer that is alone, should this process be killed.
        let folder = self.folder.tmp().join(codelupe_disk::work_name("preview"));
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

    /// Starts a training, if enough is new or it is forced and there is something new: its row, its samples, its plan.
    pub(crate) fn start(&self, context: &Context, force: bool) -> Result<Chosen, Error> {
        let (base, build) = self.find()?;
        let needed = if force { 1 } else { self.config.min_new_files };
        let choice = self.choose(&base, &build)?;
        let new_files = choice.found();
        if new_files < needed {
            return Ok(Chosen::Waiting { new_files, needed });
        }
        let latest = context.wait(self.catalogue.trainings(1))?;
        let number = latest.first().map_or(0, |training| training.id) + 1;
        let new = NewTraining {
            name: format!("training-{number}"),
            base: base.name.clone(),
            parent: base.parent.as_ref().map(|parent| parent.name.clone()),
            build: build.digest.clone(),
            config: serde_json::to_string(&self.config).unwrap_or_default(),
        };
        let id = context.wait(self.catalogue.start_training(context.fence, &new))?;
        tracing::info!(training = new.name, base = base.name, new_files, "making samples");
        let folder = TrainingFolder::of(context, &new.name);
        remove(folder.path())?;
        make_folder(folder.path())?;
        if let Err(error) = self.plan(&base, &build, choice, number, &folder) {
            training::fail(context, id, &error)?;
            return Err(error);
        }
        let training = context.wait(self.catalogue.open_training())?;
        training
            .map(|training| Chosen::Training(Box::new(training)))
            .ok_or_else(|| {
                Error::new(ErrorKind::Store, "the training was ended by somebody else").with_code(ErrorCode::Conflict)
            })
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

    /// Makes the samples and decides everything that the training depends on.
    fn plan(
        &self,
        base: &Base,
        build: &Build,
        choice: Choice,
        number: i64,
        training: &TrainingFolder,
    ) -> Result<(), Error> {
        let staged = base.stage(&self.folder)?;
        let model = Model::open(staged.path())?;
        let tokenizer = Tokenizer::open(staged.path())?;
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
            name: name_of_result(Path::new(origin), kind, number),
            base: base.name.clone(),
            base_folder: base.place.clone(),
            line: base.line.clone(),
            parent: base.parent.as_ref().map(|parent| parent.name.clone()),
            choice,
            material,
        };
        write_json(&training.plan(), &plan)?;
        handover::share_plan(&self.folder, training)
    }
}
