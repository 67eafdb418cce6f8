//! The settings of training, section `[train]` of the configuration.

use std::fmt;

use codelupe_model::{LoraConfig, OptimConfig};
use codelupe_samples::{FimLoss, SampleConfig};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// How a model is kept learning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TrainConfig {
    /// The model that is trained: the name of one in the data folder, or a Hugging Face folder. Empty: the only one.
    pub base: String,
    /// `lora`: an adapter; `full`: all weights, for small models made here. Default `lora`.
    pub mode: Mode,
    /// Who trains: `auto`, `native` or `torch`. Default `auto`.
    pub engine: EngineChoice,
    /// What a training goes on from: `promoted`, the model in use, or `afresh`. Default `promoted`.
    pub continue_from: ContinueFrom,
    /// New files from which a training starts. Default 200.
    pub min_new_files: u64,
    /// Minutes after which a training starts with fewer, if there is any. Default 1440.
    pub max_wait_minutes: u64,
    /// The most new files of one training; the others are for the next. Default 100000.
    pub max_new_files: u64,
    /// The share of a training's files that were learned before, 0 to under 1. Default 0.2.
    pub replay_share: f64,
    /// How often each sample is seen. Default 1.
    pub epochs: u32,
    /// The most optimizer steps of a training; 0: no bound. Default 0.
    pub max_steps: u64,
    /// Rows of one optimizer step. Default 8.
    pub rows_per_step: u64,
    /// Rows that are in memory at once; halved when memory is short. Default 1.
    pub rows_at_once: u64,
    /// The highest learning rate; 0: 2e-4 for adapters, 1e-3 for all weights. Default 0.
    pub learning_rate: f64,
    /// The share of the steps in which the rate rises to it. Default 0.03.
    pub warmup_share: f64,
    /// What the rate falls to, as a share of the highest. Default 0.1.
    pub floor_share: f64,
    /// Whether each layer is computed again on the way back instead of kept: a third more time, a fraction of the memory.
    pub recompute: bool,
    /// Steps between checkpoints. Default 50.
    pub checkpoint_steps: u64,
    /// Steps between measurements of the validation loss; 0: only at the end. Default 50.
    pub validation_steps: u64,
    /// The most rows that it is measured on. Default 64.
    pub validation_rows: u64,
    /// Measurements without a better one after which a training ends early; 0: never. Default 3.
    pub patience: u32,
    /// The most rows that a finished model is judged by. Default 256.
    pub held_out_rows: u64,
    /// Holes that a finished model fills in to be judged. Default 32.
    pub held_out_holes: u64,
    /// Adapters and trainings that are kept beside those in use. Default 5.
    pub keep: u32,
    /// Where all chances start from.
    pub seed: u64,
    /// The adapter.
    pub lora: LoraConfig,
    /// The optimizer.
    pub optimizer: OptimConfig,
    /// The samples. In mode `full` everything is learned, whatever `fim_loss` says.
    pub samples: SampleConfig,
    /// The engine `torch`.
    pub torch: TorchConfig,
}

/// The Python process of the engine `torch`, section `[train.torch]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TorchConfig {
    /// The Python that has torch, transformers and peft: a name or a path. Default `python3`.
    pub python: String,
    /// Who starts the processes of a training: `none`, one process; `torchrun` or `accelerate`, several. Default `none`.
    pub launcher: Launcher,
    /// Processes of each machine, one for each GPU. Default 1.
    pub processes_per_node: u32,
    /// Machines; this one is the first, and a warning says what to start on the others. Default 1.
    pub nodes: u32,
    /// Where machines find each other: `host:port` of this one. Only for several.
    pub rendezvous: String,
    /// Seconds without a sign of life after which the process is killed. Default 120.
    pub heartbeat_seconds: u64,
    /// Seconds that it has to write a checkpoint when it is to stop. Default 60.
    pub grace_seconds: u64,
    /// How the base is held while an adapter is trained: `none`, as it is; `nf4`, in 4 bits, with bitsandbytes. Default `none`.
    pub quantize: Quantize,
    /// Whether the layers of the base are spread over all processes (FSDP), for a base that one GPU cannot hold. Default false.
    pub shard: bool,
}

/// Who starts the processes of a training.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Launcher {
    /// Nobody: there is one.
    #[default]
    None,
    /// `torch.distributed.run`.
    Torchrun,
    /// `accelerate launch`.
    Accelerate,
}

/// How the base is held while an adapter is trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Quantize {
    /// As it is.
    #[default]
    None,
    /// In the 4 bits of `QLoRA` (Dettmers and others, arXiv:2305.14314).
    Nf4,
}

impl Default for TorchConfig {
    fn default() -> Self {
        Self {
            python: "python3".to_owned(),
            launcher: Launcher::None,
            processes_per_node: 1,
            nodes: 1,
            rendezvous: String::new(),
            heartbeat_seconds: 120,
            grace_seconds: 60,
            quantize: Quantize::None,
            shard: false,
        }
    }
}

impl TorchConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// `Config`, with the first value that is not valid.
    pub fn validate(&self) -> Result<(), Error> {
        if self.python.is_empty() {
            return Err(Error::config(
                "train.torch: python is empty; it must be a name or a path",
            ));
        }
        let counts = [
            ("processes_per_node", self.processes_per_node.into(), 1024),
            ("nodes", self.nodes.into(), 1024),
            ("heartbeat_seconds", self.heartbeat_seconds, 86_400),
            ("grace_seconds", self.grace_seconds, 86_400),
        ];
        for (name, value, most) in counts {
            if !(1..=most).contains(&value) {
                let context = format!("train.torch: {name} is {value}; it must be 1 to {most}");
                return Err(Error::config(context));
            }
        }
        let several = u64::from(self.processes_per_node) * u64::from(self.nodes) > 1;
        if several && self.launcher == Launcher::None {
            let context = "train.torch: several processes need launcher = \"torchrun\" or \"accelerate\"";
            return Err(Error::config(context));
        }
        if self.shard && !several {
            return Err(Error::config(
                "train.torch: shard spreads a base over several processes, and there is one",
            ));
        }
        if self.nodes > 1 && self.place().is_none() {
            let context = format!(
                "train.torch: rendezvous is `{}`; several nodes need `host:port` of this machine",
                self.rendezvous
            );
            return Err(Error::config(context));
        }
        Ok(())
    }

    /// Host and port of the rendezvous.
    pub(crate) fn place(&self) -> Option<(&str, u16)> {
        let (host, port) = self.rendezvous.rsplit_once(':')?;
        let port = port.parse().ok().filter(|port| *port > 0)?;
        (!host.is_empty() && !host.starts_with('-')).then_some((host, port))
    }
}

/// What is trained.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// A LoRA adapter.
    #[default]
    Lora,
    /// All weights.
    Full,
}

/// Who trains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// Whoever can, by looking: torch where there is a GPU for it, else native.
    #[default]
    Auto,
    /// This program, on the CPU.
    Native,
    /// A Python process with torch, transformers and peft.
    Torch,
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Native => "native",
            Self::Torch => "torch",
        })
    }
}

/// What a training goes on from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ContinueFrom {
    /// The promoted model of the line.
    #[default]
    Promoted,
    /// The base.
    Afresh,
}

impl Default for TrainConfig {
    fn default() -> Self {
        Self {
            base: String::new(),
            mode: Mode::default(),
            engine: EngineChoice::default(),
            continue_from: ContinueFrom::default(),
            min_new_files: 200,
            max_wait_minutes: 1440,
            max_new_files: 100_000,
            replay_share: 0.2,
            epochs: 1,
            max_steps: 0,
            rows_per_step: 8,
            rows_at_once: 1,
            learning_rate: 0.0,
            warmup_share: 0.03,
            floor_share: 0.1,
            recompute: false,
            checkpoint_steps: 50,
            validation_steps: 50,
            validation_rows: 64,
            patience: 3,
            held_out_rows: 256,
            held_out_holes: 32,
            keep: 5,
            seed: 0,
            lora: LoraConfig::default(),
            optimizer: OptimConfig::default(),
            samples: SampleConfig::default(),
            torch: TorchConfig::default(),
        }
    }
}

impl TrainConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// `Config`, with the first value that is not valid.
    pub fn validate(&self) -> Result<(), Error> {
        let shares = [
            ("warmup_share", self.warmup_share, 0.0..=1.0),
            ("floor_share", self.floor_share, 0.0..=1.0),
            ("replay_share", self.replay_share, 0.0..=0.95),
            ("learning_rate", self.learning_rate, 0.0..=1.0),
        ];
        for (name, value, range) in shares {
            if !range.contains(&value) {
                let (low, high) = range.into_inner();
                return Err(Error::config(format!(
                    "train: {name} is {value}; it must be {low} to {high}"
                )));
            }
        }
        let counts = [
            ("min_new_files", self.min_new_files),
            ("max_new_files", self.max_new_files),
            ("epochs", self.epochs.into()),
            ("rows_per_step", self.rows_per_step),
            ("rows_at_once", self.rows_at_once),
            ("checkpoint_steps", self.checkpoint_steps),
            ("validation_rows", self.validation_rows),
            ("held_out_rows", self.held_out_rows),
        ];
        for (name, value) in counts {
            if !(1..=1 << 32).contains(&value) {
                return Err(Error::config(format!(
                    "train: {name} is {value}; it must be 1 to {}",
                    1_u64 << 32
                )));
            }
        }
        self.torch.validate()?;
        self.lora
            .validate()
            .map_err(|error| Error::config(format!("train.lora: {error}")))?;
        self.optimizer
            .validate()
            .map_err(|error| Error::config(format!("train.optimizer: {error}")))?;
        self.samples
            .validate()
            .map_err(|error| Error::config(format!("train.samples: {error}")))
    }

    /// How samples are made: where all weights are trained, every token is learned, not only the middles of holes, since
    /// such a model has everything to learn yet.
    pub(crate) fn sampling(&self) -> SampleConfig {
        let mut samples = self.samples.clone();
        if self.mode == Mode::Full {
            samples.fim_loss = FimLoss::All;
        }
        samples
    }

    /// The highest learning rate.
    pub fn peak_rate(&self) -> f64 {
        match (self.learning_rate, self.mode) {
            (rate, _) if rate > 0.0 => rate,
            (_, Mode::Lora) => 2e-4,
            (_, Mode::Full) => 1e-3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_make_no_sense_are_named() {
        let check = |change: fn(&mut TrainConfig), word: &str| {
            let mut config = TrainConfig::default();
            change(&mut config);
            let error = config.validate().unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        };
        TrainConfig::default().validate().unwrap();
        check(|config| config.replay_share = 1.0, "replay_share");
        check(|config| config.learning_rate = f64::NAN, "learning_rate");
        check(|config| config.rows_per_step = 0, "rows_per_step");
        check(|config| config.lora.rank = 0, "train.lora");
        check(|config| config.optimizer.beta1 = 2.0, "train.optimizer");
        check(|config| config.samples.sequence_length = 1, "train.samples");
        check(|config| config.torch.python.clear(), "python");
        check(|config| config.torch.grace_seconds = 0, "grace_seconds");
        check(|config| config.torch.processes_per_node = 2, "launcher");
        let nodes = |config: &mut TrainConfig| {
            config.torch.launcher = Launcher::Torchrun;
            config.torch.nodes = 2;
            config.torch.rendezvous = "-x:1".to_owned();
        };
        check(nodes, "rendezvous");
    }

    #[test]
    fn the_rate_depends_on_what_is_trained() {
        let mut config = TrainConfig::default();
        let is = |config: &TrainConfig, rate: f64| (config.peak_rate() - rate).abs() < 1e-12;
        assert!(is(&config, 2e-4));
        config.mode = Mode::Full;
        assert!(is(&config, 1e-3));
        config.learning_rate = 0.5;
        assert!(is(&config, 0.5));
    }
}
