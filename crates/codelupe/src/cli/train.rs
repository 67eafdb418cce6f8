//! The commands of the trainer.

use clap::{Args, Subcommand, ValueEnum};

use super::queue::QueueArguments;

pub(super) const TRAIN: &str = "\
A training takes the files of the latest build that the model has not learned (from
train.min_new_files on), makes samples of them, trains, compares the result with the model in use on
held-out files, and promotes it if it is better. Stopped or killed, it goes on from its last
checkpoint.

There is one training in the queue at a time. Enqueued again before a worker has begun it, it takes
the settings that were given last.

Examples:
  codelupe models init --preset tiny       a small model from nothing
  codelupe train --full                    trains all of its weights
  codelupe train --watch                   makes adapters whenever enough is new, for ever
  codelupe train --watch --enqueue         leaves them to a `codelupe worker --stages train`
  codelupe train --base ~/Qwen2.5-Coder-0.5B";

pub(super) const MODELS: &str = "\
Examples:
  codelupe models init --preset tiny
  codelupe models generate --prompt 'fn main() {'
  codelupe models merge tiny-lora-3 merged";

#[derive(Debug, Args)]
pub(crate) struct TrainArguments {
    #[command(subcommand)]
    pub(crate) command: Option<TrainCommand>,
    #[command(flatten)]
    pub(crate) training: TrainingArguments,
}

#[derive(Debug, Args)]
pub(crate) struct TrainingArguments {
    /// Go on for ever: a training whenever enough is new, or was waited for long enough.
    #[arg(long)]
    pub(crate) watch: bool,
    /// Start a training however little is new.
    #[arg(long)]
    pub(crate) force: bool,
    /// Train all weights instead of an adapter.
    #[arg(long)]
    pub(crate) full: bool,
    /// The model to train: one of the data folder, or a Hugging Face folder.
    #[arg(long, value_name = "MODEL")]
    pub(crate) base: Option<String>,
    /// Who trains.
    #[arg(long, value_enum)]
    pub(crate) engine: Option<EngineArgument>,
    /// The most optimizer steps of a training. Its files count as learned, whether or not it came to all of them.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) steps: Option<u64>,
    #[command(flatten)]
    pub(crate) queue: QueueArguments,
}

/// Who trains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum EngineArgument {
    /// Whoever can, by looking.
    Auto,
    /// This program, on the CPU.
    Native,
    /// A Python process with torch, transformers and peft.
    Torch,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TrainCommand {
    /// Say what the trainer does, what it has learned, and how the last training went.
    Status,
    /// List the latest trainings.
    List {
        /// How many.
        #[arg(long, value_name = "N", default_value_t = 20)]
        limit: u32,
    },
    /// Put a training into the queue, however little is new: a watching trainer or a worker does it.
    Start,
    /// End the open training and take its job out of the queue; what it learned so far is given up.
    Cancel,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// Make a small model with random weights, and a tokenizer learned from the latest build.
    Init(InitArguments),
    /// List the models.
    List,
    /// Show where a model comes from and how it does.
    Show(ModelArguments),
    /// Bring a model into use.
    Promote(ModelArguments),
    /// Bring the model into use that was before the one in use.
    Rollback {
        /// A line of models, as `list` shows it; without one, that of the model that came into use last.
        #[arg(value_name = "LINE", default_value = "")]
        line: String,
    },
    /// Remove a model that is not in use.
    Rm(ModelArguments),
    /// Write an adapter and its base as one model that needs no adapter.
    Merge(MergeArguments),
    /// Go on with a text.
    Generate(GenerateArguments),
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// How large.
    #[arg(long, value_enum, default_value_t = PresetArgument::Tiny)]
    pub(crate) preset: PresetArgument,
    /// Its name; without one it is called after the preset.
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Ids of the tokenizer.
    #[arg(long, value_name = "N", default_value_t = 4096)]
    pub(crate) vocabulary: usize,
    /// Where the random weights start from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

/// How large a model is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PresetArgument {
    /// A few million parameters: learns within a minute.
    Tiny,
    /// A few ten million parameters: learns within hours.
    Small,
}

#[derive(Debug, Args)]
pub(crate) struct ModelArguments {
    /// The model's name.
    #[arg(value_name = "MODEL")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct MergeArguments {
    /// The adapter's name.
    #[arg(value_name = "MODEL")]
    pub(crate) name: String,
    /// The folder to write.
    #[arg(value_name = "FOLDER")]
    pub(crate) target: std::path::PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct GenerateArguments {
    /// The model's name; without one, the model that came into use last.
    #[arg(value_name = "MODEL", default_value = "")]
    pub(crate) name: String,
    /// The text to go on with.
    #[arg(long, value_name = "TEXT")]
    pub(crate) prompt: String,
    /// What stands behind the gap, to fill it in.
    #[arg(long, value_name = "TEXT")]
    pub(crate) suffix: Option<String>,
    /// The most tokens.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) tokens: usize,
    /// 0: always the likeliest token; higher: more chance.
    #[arg(long, value_name = "T", default_value_t = 0.0)]
    pub(crate) temperature: f32,
    /// Where chance starts from.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SamplesCommand {
    /// Print a few samples, decoded; what is learned is colored.
    Show(ShowSamplesArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ShowSamplesArguments {
    /// How many.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) count: usize,
    /// Only this kind: continuation, fim-psm, fim-spm, instruction, repository.
    #[arg(long)]
    pub(crate) kind: Option<String>,
    /// Only this language, by linguist's name.
    #[arg(long)]
    pub(crate) language: Option<String>,
    /// The model whose tokenizer is used; without one, that of the settings.
    #[arg(long, value_name = "MODEL")]
    pub(crate) base: Option<String>,
}
