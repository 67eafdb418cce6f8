//! The shape of a model, as `config.json` of a Hugging Face folder states it.

use std::fs;
use std::path::Path;

use codelupe_core::text::display_path;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::target::Target;

/// The file of a model folder that states its shape.
pub(crate) const CONFIG_FILE: &str = "config.json";

/// The largest `config.json` that is read, in bytes; real ones have about one thousand.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// The families that are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// Qwen2 (Qwen2.5-Coder): biases on the projections to queries, keys and values.
    Qwen2,
    /// Llama: the same without biases.
    Llama,
}

impl Architecture {
    /// The name of the class in `transformers`.
    pub const fn class(self) -> &'static str {
        match self {
            Self::Qwen2 => "Qwen2ForCausalLM",
            Self::Llama => "LlamaForCausalLM",
        }
    }

    /// The name of the family in `transformers`.
    pub const fn model_type(self) -> &'static str {
        match self {
            Self::Qwen2 => "qwen2",
            Self::Llama => "llama",
        }
    }
}

/// The shape of a decoder-only transformer.
#[derive(Debug, Clone, PartialEq)]
pub struct ModelConfig {
    /// The family.
    pub architecture: Architecture,
    /// The width of the residual stream.
    pub hidden_size: usize,
    /// The number of decoder layers.
    pub layers: usize,
    /// The query heads of a layer.
    pub heads: usize,
    /// The heads of keys and values, each shared by `heads / kv_heads` query heads.
    pub kv_heads: usize,
    /// The width of a head; even.
    pub head_dim: usize,
    /// The width between the projections of the feed-forward part.
    pub intermediate_size: usize,
    /// The number of tokens that have an embedding.
    pub vocab_size: usize,
    /// The longest sequence in tokens.
    pub max_position_embeddings: usize,
    /// What is added to the mean square in RMS norm.
    pub rms_norm_eps: f32,
    /// The base of the rotation angles of positions.
    pub rope_theta: f64,
    /// Whether the head uses the embedding's weights.
    pub tie_word_embeddings: bool,
    /// The token that starts a text, if there is one.
    pub bos_token_id: Option<u32>,
    /// The tokens that end a text.
    pub eos_token_ids: Vec<u32>,
}

/// Shapes for models that start from random weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// Some 4 million parameters at a vocabulary of 4,096: learns within a minute on two cores.
    Tiny,
    /// Some 27 million parameters at a vocabulary of 16,384.
    Small,
}

/// A tensor of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TensorSpec {
    pub(crate) name: String,
    /// [output, input] for matrices.
    pub(crate) shape: Vec<usize>,
}

/// The names of tensors outside layers.
pub(crate) const EMBEDDING: &str = "model.embed_tokens.weight";
pub(crate) const FINAL_NORM: &str = "model.norm.weight";
pub(crate) const HEAD: &str = "lm_head.weight";

/// The name of a tensor of a layer.
pub(crate) fn in_layer(layer: usize, part: &str) -> String {
    format!("model.layers.{layer}.{part}")
}

impl ModelConfig {
    /// The shape of a preset, a Qwen2 with a tied head, for a vocabulary.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for a vocabulary that is empty or too large.
    pub fn preset(preset: Preset, vocab_size: usize) -> Result<Self> {
        let (hidden_size, layers, heads, kv_heads, intermediate_size) = match preset {
            Preset::Tiny => (256, 4, 4, 2, 688),
            Preset::Small => (512, 8, 8, 2, 1376),
        };
        let config = Self {
            architecture: Architecture::Qwen2,
            hidden_size,
            layers,
            heads,
            kv_heads,
            head_dim: 64,
            intermediate_size,
            vocab_size,
            max_position_embeddings: 4096,
            rms_norm_eps: 1e-6,
            rope_theta: 10_000.0,
            tie_word_embeddings: true,
            bos_token_id: None,
            eos_token_ids: Vec::new(),
        };
        config.validate()?;
        Ok(config)
    }

    /// Reads `config.json` of a folder.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] for another architecture, or a part of one that is not built in, by name;
    /// [`ErrorKind::Invalid`] for sizes that fit no model; [`ErrorKind::Corrupt`] if it is not such a file; kinds of
    /// I/O.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(CONFIG_FILE);
        let raw: RawConfig =
            serde_json::from_slice(&read_bounded(&path, MAX_CONFIG_BYTES)?).map_err(|e| Error::unreadable(&path, e))?;
        raw.resolve()
            .map_err(|e| Error::new(e.kind(), format!("`{}`: {e}", display_path(&path))))
    }

    /// The text of `config.json`.
    pub(crate) fn to_json(&self) -> Value {
        let eos = match self.eos_token_ids.as_slice() {
            [] => Value::Null,
            [one] => json!(one),
            many => json!(many),
        };
        json!({
            "architectures": [self.architecture.class()],
            "model_type": self.architecture.model_type(),
            "hidden_size": self.hidden_size,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "num_key_value_heads": self.kv_heads,
            "head_dim": self.head_dim,
            "intermediate_size": self.intermediate_size,
            "vocab_size": self.vocab_size,
            "max_position_embeddings": self.max_position_embeddings,
            // Through its shortest text, so that 1e-6 does not become 9.99999997e-7.
            "rms_norm_eps": self.rms_norm_eps.to_string().parse::<f64>().unwrap_or(1e-6),
            // Both places, for old and new readers.
            "rope_theta": self.rope_theta,
            "rope_parameters": { "rope_type": "default", "rope_theta": self.rope_theta },
            "tie_word_embeddings": self.tie_word_embeddings,
            "hidden_act": "silu",
            "attention_dropout": 0.0,
            "use_sliding_window": false,
            "bos_token_id": self.bos_token_id,
            "eos_token_id": eos,
            "dtype": "float32",
        })
    }

    /// Checks that the sizes fit together and are those of a model.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`], with the size that does not fit.
    pub fn validate(&self) -> Result<()> {
        let bounds = [
            ("hidden_size", self.hidden_size, 1 << 16),
            ("num_hidden_layers", self.layers, 256),
            ("num_attention_heads", self.heads, 1 << 10),
            ("num_key_value_heads", self.kv_heads, 1 << 10),
            ("head_dim", self.head_dim, 1 << 10),
            ("intermediate_size", self.intermediate_size, 1 << 20),
            ("vocab_size", self.vocab_size, 1 << 24),
            ("max_position_embeddings", self.max_position_embeddings, 1 << 24),
        ];
        for (name, size, most) in bounds {
            if !(1..=most).contains(&size) {
                return Err(Error::invalid(format!("{name} is {size}; it must be 1 to {most}")));
            }
        }
        if !self.heads.is_multiple_of(self.kv_heads) {
            let (heads, kv_heads) = (self.heads, self.kv_heads);
            return Err(Error::invalid(format!(
                "{heads} heads cannot share {kv_heads} heads of keys"
            )));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(Error::invalid(format!(
                "head_dim is {}; it must be even",
                self.head_dim
            )));
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        if !positive(self.rms_norm_eps.into()) || !positive(self.rope_theta) {
            return Err(Error::invalid("rms_norm_eps and rope_theta must be over 0"));
        }
        Ok(())
    }

    /// The width of all query heads together.
    pub const fn query_width(&self) -> usize {
        self.heads * self.head_dim
    }

    /// The width of all key heads together, or all value heads.
    pub const fn key_width(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// The number of parameters.
    pub fn parameters(&self) -> u64 {
        let size = |spec: &TensorSpec| spec.shape.iter().map(|&n| n as u64).product::<u64>();
        self.tensors().iter().map(size).sum()
    }

    /// Every tensor of the model, in the order of `transformers`.
    pub(crate) fn tensors(&self) -> Vec<TensorSpec> {
        let spec = |name: String, shape: &[usize]| TensorSpec {
            name,
            shape: shape.to_vec(),
        };
        let mut specs = vec![spec(EMBEDDING.into(), &[self.vocab_size, self.hidden_size])];
        for layer in 0..self.layers {
            for target in Target::ALL {
                let (output, input) = self.shape_of(target);
                let module = target.module();
                specs.push(spec(in_layer(layer, &format!("{module}.weight")), &[output, input]));
                if self.has_bias(target) {
                    specs.push(spec(in_layer(layer, &format!("{module}.bias")), &[output]));
                }
            }
            for norm in ["input_layernorm", "post_attention_layernorm"] {
                specs.push(spec(in_layer(layer, &format!("{norm}.weight")), &[self.hidden_size]));
            }
        }
        specs.push(spec(FINAL_NORM.into(), &[self.hidden_size]));
        if !self.tie_word_embeddings {
            specs.push(spec(HEAD.into(), &[self.vocab_size, self.hidden_size]));
        }
        specs
    }

    /// Whether a projection adds a bias.
    pub(crate) fn has_bias(&self, target: Target) -> bool {
        self.architecture == Architecture::Qwen2 && matches!(target, Target::Q | Target::K | Target::V)
    }

    /// Output and input features of a projection.
    pub(crate) const fn shape_of(&self, target: Target) -> (usize, usize) {
        let (hidden, middle) = (self.hidden_size, self.intermediate_size);
        match target {
            Target::Q => (self.query_width(), hidden),
            Target::K | Target::V => (self.key_width(), hidden),
            Target::O => (hidden, self.query_width()),
            Target::Gate | Target::Up => (middle, hidden),
            Target::Down => (hidden, middle),
        }
    }
}

/// Reads a file that must not be larger than a bound.
pub(crate) fn read_bounded(path: &Path, most: u64) -> Result<Vec<u8>> {
    let size = fs::metadata(path).map_err(|e| Error::io("read", path, e))?.len();
    if size > most {
        return Err(Error::corrupt(path, format!("{size} bytes, more than {most}")));
    }
    fs::read(path).map_err(|e| Error::io("read", path, e))
}

/// `config.json` as it lies in folders of many versions of `transformers`.
#[expect(clippy::struct_excessive_bools, reason = "as the file has them")]
#[derive(Debug, Deserialize)]
struct RawConfig {
    #[serde(default)]
    architectures: Vec<String>,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    intermediate_size: usize,
    vocab_size: usize,
    max_position_embeddings: usize,
    rms_norm_eps: f32,
    rope_theta: Option<f64>,
    rope_parameters: Option<RawRope>,
    rope_scaling: Option<RawRope>,
    #[serde(default)]
    tie_word_embeddings: bool,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    use_sliding_window: bool,
    bos_token_id: Option<u32>,
    eos_token_id: Option<OneOrMany>,
}

#[derive(Debug, Deserialize)]
struct RawRope {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(u32),
    Many(Vec<u32>),
}

impl RawConfig {
    fn resolve(self) -> Result<ModelConfig> {
        let architecture = self.architecture()?;
        self.refuse_unsupported()?;
        let ropes = [&self.rope_parameters, &self.rope_scaling];
        let rope_theta = ropes.into_iter().flatten().find_map(|rope| rope.rope_theta);
        let config = ModelConfig {
            architecture,
            hidden_size: self.hidden_size,
            layers: self.num_hidden_layers,
            heads: self.num_attention_heads,
            kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self
                .head_dim
                .unwrap_or_else(|| self.hidden_size.checked_div(self.num_attention_heads).unwrap_or(0)),
            intermediate_size: self.intermediate_size,
            vocab_size: self.vocab_size,
            max_position_embeddings: self.max_position_embeddings,
            rms_norm_eps: self.rms_norm_eps,
            rope_theta: rope_theta.or(self.rope_theta).unwrap_or(10_000.0),
            tie_word_embeddings: self.tie_word_embeddings,
            bos_token_id: self.bos_token_id,
            eos_token_ids: match self.eos_token_id {
                None => Vec::new(),
                Some(OneOrMany::One(id)) => vec![id],
                Some(OneOrMany::Many(ids)) => ids,
            },
        };
        config.validate()?;
        Ok(config)
    }

    fn architecture(&self) -> Result<Architecture> {
        let known = [Architecture::Qwen2, Architecture::Llama];
        let stated = self.architectures.first().map_or("no architecture", String::as_str);
        let found = known.into_iter().find(|known| known.class() == stated);
        found.ok_or_else(|| {
            let stated = codelupe_core::text::display_bounded(stated.as_bytes(), 100);
            unsupported(format!(
                "{stated} is not built in; Qwen2ForCausalLM and LlamaForCausalLM are"
            ))
        })
    }

    fn refuse_unsupported(&self) -> Result<()> {
        if let Some(act) = self.hidden_act.as_deref().filter(|&act| act != "silu") {
            return Err(unsupported(format!("the activation {act:?} is not built in; silu is")));
        }
        if self.attention_bias || self.mlp_bias {
            return Err(unsupported("attention_bias and mlp_bias are not built in"));
        }
        if self.use_sliding_window {
            return Err(unsupported("sliding-window attention is not built in"));
        }
        for rope in [&self.rope_parameters, &self.rope_scaling].into_iter().flatten() {
            if let Some(kind) = rope.rope_type.as_deref().filter(|&kind| kind != "default") {
                return Err(unsupported(format!(
                    "rope of type {kind:?} is not built in; default is"
                )));
            }
        }
        Ok(())
    }
}

fn unsupported(context: impl Into<String>) -> Error {
    Error::new(ErrorKind::Unsupported, context)
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "exact on purpose")]
mod tests {
    use super::*;

    fn parse(change: &Value) -> Result<ModelConfig> {
        let mut json = json!({
            "architectures": ["Qwen2ForCausalLM"], "hidden_size": 896, "num_hidden_layers": 24,
            "num_attention_heads": 14, "num_key_value_heads": 2, "intermediate_size": 4864, "vocab_size": 151_936,
            "max_position_embeddings": 32768, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": true,
            "hidden_act": "silu", "eos_token_id": 151_643,
        });
        for (key, value) in change.as_object().unwrap() {
            json[key] = value.clone();
        }
        serde_json::from_value::<RawConfig>(json).unwrap().resolve()
    }

    #[test]
    fn the_half_billion_model_has_the_parameters_that_its_card_states() {
        let config = parse(&json!({})).unwrap();
        assert_eq!(config.head_dim, 64);
        assert_eq!(config.parameters(), 494_032_768);
        assert_eq!(config.eos_token_ids, [151_643]);
    }

    #[test]
    fn the_base_of_rope_is_read_from_both_places() {
        let theta = |change| parse(&change).unwrap().rope_theta;
        assert_eq!(theta(json!({"rope_theta": 5e5})), 5e5);
        let nested = json!({"rope_theta": null, "rope_parameters": {"rope_type": "default", "rope_theta": 2e4}});
        assert_eq!(theta(nested), 2e4);
        assert_eq!(theta(json!({"rope_theta": null})), 1e4);
    }

    #[test]
    fn what_is_not_built_in_is_refused_by_name() {
        let refused = [
            (json!({"architectures": ["GPT2LMHeadModel"]}), "GPT2LMHeadModel"),
            (json!({"hidden_act": "gelu"}), "gelu"),
            (json!({"attention_bias": true}), "attention_bias"),
            (json!({"use_sliding_window": true}), "sliding"),
            (json!({"rope_scaling": {"rope_type": "llama3"}}), "llama3"),
            (json!({"rope_scaling": {"type": "yarn"}}), "yarn"),
        ];
        for (change, named) in refused {
            let error = parse(&change).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            assert!(error.to_string().contains(named), "{error}");
        }
    }

    #[test]
    fn sizes_that_fit_no_model_are_refused() {
        for (key, value) in [
            ("num_hidden_layers", 257),
            ("hidden_size", 0),
            ("num_attention_heads", 0),
            ("num_key_value_heads", 3),
            ("head_dim", 7),
            ("vocab_size", 1_i64 << 40),
        ] {
            let error = parse(&json!({key: value})).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Invalid, "{key}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for mut config in [
            parse(&json!({"eos_token_id": [1, 2], "bos_token_id": 7})).unwrap(),
            ModelConfig::preset(Preset::Tiny, 512).unwrap(),
        ] {
            for architecture in [Architecture::Qwen2, Architecture::Llama] {
                config.architecture = architecture;
                let raw: RawConfig = serde_json::from_value(config.to_json()).unwrap();
                assert_eq!(raw.resolve().unwrap(), config);
            }
        }
    }

    #[test]
    fn presets_have_the_sizes_that_their_documentation_states() {
        let millions = |preset, vocab| ModelConfig::preset(preset, vocab).unwrap().parameters() as f64 / 1e6;
        assert!((3.0..5.0).contains(&millions(Preset::Tiny, 4096)));
        assert!(
            (20.0..35.0).contains(&millions(Preset::Small, 16384)),
            "{}",
            millions(Preset::Small, 16384)
        );
    }
}
