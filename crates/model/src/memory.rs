//! How much memory a training takes, before it starts.

use crate::config::ModelConfig;
use crate::graph::head::rows_at_a_time;
use crate::graph::pass::Recompute;
use crate::layout::Layout;
use crate::lora::LoraConfig;

/// The parts of a training's memory in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemoryEstimate {
    /// Trained values, gradients and both moments.
    pub trained: u64,
    /// What a pass keeps for the backward pass, and its working buffers.
    pub activations: u64,
    /// Logits that are held at a time.
    pub logits: u64,
    /// The model's own weights in single precision. They are mapped, so the system can give their memory to others;
    /// a training is slow where they do not fit.
    pub mapped: u64,
}

impl MemoryEstimate {
    /// The memory that must be free: everything but what is mapped.
    pub const fn required(&self) -> u64 {
        self.trained + self.activations + self.logits
    }
}

/// The memory of a training over batches of `rows` rows of `length` tokens. `lora` is `None` where all weights are
/// trained.
pub fn estimate(
    config: &ModelConfig,
    lora: Option<&LoraConfig>,
    rows: usize,
    length: usize,
    recompute: Recompute,
) -> MemoryEstimate {
    let trained = lora.map_or_else(|| config.parameters(), |lora| Layout::lora(config, lora).len() as u64);
    let tokens = (rows * length) as u64;
    let layers = config.layers as u64;
    let kept_layers = match recompute {
        Recompute::None => layers,
        Recompute::PerLayer => 1,
    };
    let widths = Widths::of(config, lora);
    let floats = tokens * (layers * widths.hidden + kept_layers * widths.kept + widths.working);
    let logits = rows_at_a_time(config.vocab_size, rows * length) as u64 * config.vocab_size as u64;
    MemoryEstimate {
        trained: trained * 16,
        activations: floats * 4,
        logits: logits * 4,
        mapped: config.parameters() * 4,
    }
}

/// Floats a token.
struct Widths {
    hidden: u64,
    /// What a layer keeps besides its input.
    kept: u64,
    /// What the buffers of one layer's work take beyond what is kept.
    working: u64,
}

impl Widths {
    fn of(config: &ModelConfig, lora: Option<&LoraConfig>) -> Self {
        let hidden = config.hidden_size as u64;
        let (queries, keys) = (config.query_width() as u64, config.key_width() as u64);
        let middle = config.intermediate_size as u64;
        let reduced = lora.map_or(0, |lora| lora.rank * lora.targets.len()) as u64;
        let qkv = queries + 2 * keys;
        Self {
            hidden,
            // Queries, keys, values, mixed; the middle of the stream; gate and up; sums of norms and attention.
            kept: qkv + queries + hidden + 2 * middle + reduced + 2 + config.heads as u64,
            // Stream, its gradient, three of norms; gated, its gradient, that of gate and up; mixed's gradient, output
            // and its gradient apart, gradients of heads apart and together, those of keys once more for each head.
            working: 5 * hidden + 4 * middle + 3 * queries + 2 * qkv + 2 * queries + reduced,
        }
    }
}
