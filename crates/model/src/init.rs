//! New models: random weights, in a folder that `transformers` reads too.

use std::collections::HashMap;
use std::path::Path;

use codelupe_disk::{replace_folder, write_json};
use serde_json::json;

use crate::config::{CONFIG_FILE, ModelConfig};
use crate::error::Result;
use crate::layout::Layout;
use crate::lora::A_SUFFIX;
use crate::persist::{FloatTensor, write_tensors};
use crate::random::{fill_normal, fill_uniform, of_name};
use crate::weights::WEIGHTS_FILE;

/// The deviation of new weights, `initializer_range` in `transformers`' configs of both families.
const DEVIATION: f64 = 0.02;

/// Writes a model with random weights: matrices of a normal distribution with deviation 0.02, norms one, biases zero.
/// The same seed gives the same files. An older folder at that place is replaced.
///
/// # Errors
/// [`crate::ErrorKind::Invalid`] for an invalid config; kinds of I/O.
pub fn init_model(folder: &Path, config: &ModelConfig, seed: u64) -> Result<()> {
    replace_folder(folder, |folder| write_new_model(folder, config, seed))
}

/// Writes the files of such a model into a folder that exists, for a caller that puts more files beside them.
///
/// # Errors
/// Those of [`init_model`].
pub fn write_new_model(folder: &Path, config: &ModelConfig, seed: u64) -> Result<()> {
    config.validate()?;
    let layout = Layout::full(config);
    let mut values = vec![0.0; layout.len()];
    for tensor in layout.tensors() {
        let values = &mut values[tensor.range.clone()];
        if tensor.shape.len() == 2 {
            fill_normal(&mut of_name(seed, &tensor.name), DEVIATION, values);
        } else if tensor.name.ends_with("norm.weight") {
            values.fill(1.0);
        }
    }
    write_model(folder, config, &layout, &values)
}

/// The values that an adapter starts with, as PEFT's: A uniform as `kaiming_uniform` with a = sqrt(5) makes it, that is
/// within 1 / sqrt(inputs); B zero, so that the model is unchanged at first.
pub(crate) fn initial_lora(layout: &Layout, seed: u64) -> Vec<f32> {
    let mut values = vec![0.0; layout.len()];
    for tensor in layout.tensors() {
        if tensor.name.ends_with(A_SUFFIX) {
            let bound = 1.0 / (tensor.shape[1] as f64).sqrt();
            fill_uniform(
                &mut of_name(seed, &tensor.name),
                bound,
                &mut values[tensor.range.clone()],
            );
        }
    }
    values
}

/// Writes the files of a model into a folder that exists: config, generation config, weights as floats.
pub(crate) fn write_model(folder: &Path, config: &ModelConfig, layout: &Layout, values: &[f32]) -> Result<()> {
    write_configs(folder, config)?;
    let tensors = layout.tensors().iter().map(|tensor| {
        let values = &values[tensor.range.clone()];
        let shape = tensor.shape.as_slice();
        (tensor.name.clone(), FloatTensor { shape, values })
    });
    write_tensors(&folder.join(WEIGHTS_FILE), tensors, torch_metadata())
}

/// Writes `config.json` and `generation_config.json`.
pub(crate) fn write_configs(folder: &Path, config: &ModelConfig) -> Result<()> {
    let json = config.to_json();
    let generation = json!({
        "bos_token_id": json["bos_token_id"],
        "eos_token_id": json["eos_token_id"],
        "do_sample": false,
    });
    write_json(&folder.join(CONFIG_FILE), &json)?;
    Ok(write_json(&folder.join("generation_config.json"), &generation)?)
}

/// What `transformers` wants to find in the header of a weight file.
pub(crate) fn torch_metadata() -> HashMap<String, String> {
    HashMap::from([("format".to_owned(), "pt".to_owned())])
}
