//! Adapters as PEFT keeps them: `adapter_config.json` and `adapter_model.safetensors`.

use std::collections::BTreeSet;
use std::path::Path;

use codelupe_core::text::display_path;
use codelupe_disk::{replace_folder, write_json};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::read_bounded;
use crate::error::{Error, ErrorKind, Result};
use crate::graph::network::{AdapterView, Source};
use crate::init::{initial_lora, torch_metadata};
use crate::layout::Layout;
use crate::lora::LoraConfig;
use crate::model::Model;
use crate::persist::{FloatTensor, write_tensors};
use crate::target::Target;
use crate::tensor::widen;
use crate::weights::map;

/// How the model is adapted, and which model that is.
pub(crate) const ADAPTER_CONFIG_FILE: &str = "adapter_config.json";

/// The values of A and B.
pub(crate) const ADAPTER_WEIGHTS_FILE: &str = "adapter_model.safetensors";

/// The largest `adapter_config.json` that is read, in bytes; real ones have about one thousand.
const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// In the header of the weights: the fingerprint of the base.
const FINGERPRINT_KEY: &str = "base_fingerprint";

/// The trained values of LoRA for one base model.
#[derive(Debug, Clone)]
pub struct Adapter {
    config: LoraConfig,
    base: String,
    fingerprint: String,
    layout: Layout,
    values: Vec<f32>,
}

impl Adapter {
    /// An adapter as training starts with: it does not change the model yet. The same seed gives the same values.
    ///
    /// # Errors
    /// [`ErrorKind::Invalid`] for an invalid config.
    pub fn new(model: &Model, config: LoraConfig, seed: u64) -> Result<Self> {
        config.validate()?;
        let layout = Layout::lora(model.config(), &config);
        let values = initial_lora(&layout, seed);
        Ok(Self::of_values(model, config, layout, values))
    }

    pub(crate) fn of_values(model: &Model, config: LoraConfig, layout: Layout, values: Vec<f32>) -> Self {
        Self {
            config,
            base: model.name().to_owned(),
            fingerprint: model.fingerprint(),
            layout,
            values,
        }
    }

    /// Reads the adapter of a model, written here or by PEFT.
    ///
    /// # Errors
    /// [`ErrorKind::Mismatch`] if it was made for another base, naming both; [`ErrorKind::Unsupported`] for what is not
    /// plain LoRA; [`ErrorKind::Invalid`] for values that make no sense; [`ErrorKind::Corrupt`] for a file that is
    /// damaged; kinds of I/O.
    pub fn read(folder: &Path, model: &Model) -> Result<Self> {
        let path = folder.join(ADAPTER_CONFIG_FILE);
        let bytes = read_bounded(&path, MAX_CONFIG_BYTES)?;
        let raw: RawConfig = serde_json::from_slice(&bytes).map_err(|e| Error::unreadable(&path, e))?;
        let base = raw.base_model_name_or_path.clone().unwrap_or_default();
        let config = raw
            .resolve()
            .map_err(|e| Error::new(e.kind(), format!("`{}`: {e}", display_path(&path))))?;
        let layout = Layout::lora(model.config(), &config);
        let values = read_values(folder, model, &base, &layout)?;
        Ok(Self::of_values(model, config, layout, values))
    }

    /// Writes a folder that PEFT loads. It is there whole or not at all; an older one at that place is replaced.
    ///
    /// # Errors
    /// Kinds of I/O.
    pub fn save(&self, folder: &Path) -> Result<()> {
        replace_folder(folder, |folder| self.write_into(folder))
    }

    /// Writes both files into a folder that exists.
    fn write_into(&self, folder: &Path) -> Result<()> {
        let tensors = self.layout.tensors().iter().map(|slot| {
            let (shape, values) = (slot.shape.as_slice(), &self.values[slot.range.clone()]);
            (slot.name.clone(), FloatTensor { shape, values })
        });
        let mut metadata = torch_metadata();
        metadata.insert(FINGERPRINT_KEY.to_owned(), self.fingerprint.clone());
        write_tensors(&folder.join(ADAPTER_WEIGHTS_FILE), tensors, metadata)?;
        Ok(write_json(&folder.join(ADAPTER_CONFIG_FILE), &self.to_json())?)
    }

    /// How the model is adapted.
    pub const fn config(&self) -> &LoraConfig {
        &self.config
    }

    /// The name of the base.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sets the name of the base that is written.
    #[must_use]
    pub fn with_base(self, base: impl Into<String>) -> Self {
        Self {
            base: base.into(),
            ..self
        }
    }

    /// Every tensor: its name in PEFT, its shape, its values.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, &[usize], &[f32])> {
        let slots = self.layout.tensors().iter();
        slots.map(|slot| {
            (
                slot.name.as_str(),
                slot.shape.as_slice(),
                &self.values[slot.range.clone()],
            )
        })
    }

    pub(crate) fn view(&self) -> AdapterView<'_> {
        AdapterView {
            config: &self.config,
            layout: &self.layout,
            values: &self.values,
        }
    }

    pub(crate) fn into_parts(self) -> (LoraConfig, Layout, Vec<f32>) {
        (self.config, self.layout, self.values)
    }

    /// Checks that it belongs to this model.
    pub(crate) fn check_base(&self, model: &Model) -> Result<()> {
        if self.fingerprint == model.fingerprint() {
            return Ok(());
        }
        Err(other_base(&self.base, model, "its weights are others"))
    }

    fn to_json(&self) -> Value {
        let alpha = match self.config.alpha {
            #[expect(clippy::cast_possible_truncation, reason = "whole and small")]
            alpha if alpha.fract() == 0.0 && alpha < 1e9 => json!(alpha as i64),
            alpha => json!(alpha),
        };
        json!({
            "peft_type": "LORA",
            "task_type": "CAUSAL_LM",
            "base_model_name_or_path": self.base,
            "r": self.config.rank,
            "lora_alpha": alpha,
            "lora_dropout": self.config.dropout,
            "target_modules": self.config.targets,
            "bias": "none",
            "fan_in_fan_out": false,
            "inference_mode": true,
            "init_lora_weights": true,
            "use_rslora": false,
            "use_dora": false,
        })
    }
}

/// A model, with the updates of its adapter if there is one, as a pass reads it.
pub(crate) fn source<'a>(model: &'a Model, adapter: Option<&'a Adapter>) -> Result<Source<'a>> {
    if let Some(adapter) = adapter {
        adapter.check_base(model)?;
    }
    Ok(Source::Frozen(model, adapter.map(Adapter::view)))
}

fn other_base(base: &str, model: &Model, why: &str) -> Error {
    let text = format!(
        "the adapter was made for the base `{base}`, not for `{}`: {why}",
        model.name()
    );
    Error::new(ErrorKind::Mismatch, text)
}

/// The values of all tensors, if they are those of this model.
fn read_values(folder: &Path, model: &Model, base: &str, layout: &Layout) -> Result<Vec<f32>> {
    let path = folder.join(ADAPTER_WEIGHTS_FILE);
    let map = map(&path)?;
    let file = SafeTensors::deserialize(&map).map_err(|e| Error::unreadable(&path, e))?;
    let (_, header) = SafeTensors::read_metadata(&map).map_err(|e| Error::unreadable(&path, e))?;
    match header
        .metadata()
        .as_ref()
        .and_then(|metadata| metadata.get(FINGERPRINT_KEY))
    {
        Some(fingerprint) if *fingerprint != model.fingerprint() => {
            return Err(other_base(base, model, "its weights are others"));
        }
        None if last_part(base) != last_part(model.name()) => {
            return Err(other_base(base, model, "the names differ"));
        }
        _ => {}
    }
    let mut values = vec![0.0; layout.len()];
    for slot in layout.tensors() {
        let view = file.tensor(&slot.name).map_err(|_| {
            let layers = model.config().layers;
            other_base(base, model, &format!("it lacks `{}`, of {layers} layers", slot.name))
        })?;
        if view.shape() != slot.shape {
            let text = format!("`{}` has the shape {:?}, not {:?}", slot.name, view.shape(), slot.shape);
            return Err(other_base(base, model, &text));
        }
        let dtype = match view.dtype() {
            Dtype::F32 => crate::tensor::Dtype::F32,
            Dtype::BF16 => crate::tensor::Dtype::Bf16,
            Dtype::F16 => crate::tensor::Dtype::F16,
            other => {
                return Err(Error::corrupt(
                    &path,
                    format!("the tensor `{}` is of {other:?}", slot.name),
                ));
            }
        };
        widen(dtype, view.data(), &mut values[slot.range.clone()]);
    }
    if let Some(name) = file.names().into_iter().find(|name| layout.slot(name).is_none()) {
        return Err(other_base(base, model, &format!("it has `{name}` besides")));
    }
    Ok(values)
}

/// The part that paths and names of the same model share.
fn last_part(name: &str) -> &str {
    name.trim_end_matches('/').rsplit('/').next().unwrap_or(name)
}

/// `adapter_config.json` as PEFT writes it; fields that are not read here do not change what an adapter does.
#[derive(Debug, Deserialize)]
struct RawConfig {
    peft_type: String,
    base_model_name_or_path: Option<String>,
    r: usize,
    lora_alpha: f32,
    #[serde(default)]
    lora_dropout: f32,
    target_modules: Value,
    bias: Option<String>,
    #[serde(default)]
    fan_in_fan_out: bool,
    #[serde(default)]
    use_rslora: bool,
    #[serde(default)]
    use_dora: bool,
    #[serde(default)]
    modules_to_save: Value,
    #[serde(default)]
    layers_to_transform: Value,
    #[serde(default)]
    rank_pattern: Value,
    #[serde(default)]
    alpha_pattern: Value,
}

impl RawConfig {
    fn resolve(self) -> Result<LoraConfig> {
        let is_set = |value: &Value| match value {
            Value::Null => false,
            Value::Array(values) => !values.is_empty(),
            Value::Object(values) => !values.is_empty(),
            _ => true,
        };
        let unsupported = [
            ("peft_type", self.peft_type != "LORA"),
            ("bias", self.bias.as_deref().is_some_and(|bias| bias != "none")),
            ("fan_in_fan_out", self.fan_in_fan_out),
            ("use_rslora", self.use_rslora),
            ("use_dora", self.use_dora),
            ("modules_to_save", is_set(&self.modules_to_save)),
            ("layers_to_transform", is_set(&self.layers_to_transform)),
            ("rank_pattern", is_set(&self.rank_pattern)),
            ("alpha_pattern", is_set(&self.alpha_pattern)),
        ];
        if let Some((name, _)) = unsupported.iter().find(|(_, found)| *found) {
            let text = format!("an adapter with {name} other than plain LoRA's is not built in");
            return Err(Error::new(ErrorKind::Unsupported, text));
        }
        let targets: BTreeSet<Target> = serde_json::from_value(self.target_modules).map_err(|_| {
            let text = "target_modules must be a list of q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj";
            Error::new(ErrorKind::Unsupported, text)
        })?;
        let config = LoraConfig {
            rank: self.r,
            alpha: self.lora_alpha,
            dropout: self.lora_dropout,
            targets,
        };
        config.validate()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(change: &Value) -> Result<LoraConfig> {
        let mut json = json!({"peft_type": "LORA", "r": 8, "lora_alpha": 16, "target_modules": ["q_proj"]});
        for (key, value) in change.as_object().unwrap() {
            json[key] = value.clone();
        }
        serde_json::from_value::<RawConfig>(json).unwrap().resolve()
    }

    #[test]
    fn what_is_not_plain_lora_is_refused_by_name() {
        parse(&json!({"rank_pattern": {}, "modules_to_save": null})).unwrap();
        for change in [
            json!({"peft_type": "IA3"}),
            json!({"use_dora": true}),
            json!({"use_rslora": true}),
            json!({"bias": "all"}),
            json!({"modules_to_save": ["lm_head"]}),
            json!({"rank_pattern": {"q_proj": 4}}),
            json!({"target_modules": "all-linear"}),
            json!({"target_modules": ["lm_head"]}),
        ] {
            let error = parse(&change).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
            let name = change.as_object().unwrap().keys().next().unwrap();
            assert!(error.to_string().contains(name.as_str()), "{error}");
        }
    }

    #[test]
    fn names_of_the_same_model_have_a_common_last_part() {
        assert_eq!(
            last_part("Qwen/Qwen2.5-Coder-0.5B"),
            last_part("/models/Qwen2.5-Coder-0.5B/")
        );
    }
}
