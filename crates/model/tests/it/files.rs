//! Folders that are not what they should be.

use std::fs;
use std::path::Path;

use codelupe_model::{
    Adapter, Error, ErrorKind, LoraConfig, Model, ModelConfig, OptimConfig, Preset, Recompute, Trainable, Trainer,
    init_model,
};
use safetensors::SafeTensors;
use safetensors::tensor::TensorView;

use crate::fixture::{folder, lora, model, random_model};

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// A copy of the golden Qwen2 model to be spoilt.
fn spoilt(spoil: impl FnOnce(&Path)) -> Error {
    let root = tempfile::tempdir().unwrap();
    copy(&folder("qwen"), root.path());
    spoil(root.path());
    Model::open(root.path()).unwrap_err()
}

/// Writes the weights anew, changed.
fn rewrite(folder: &Path, change: impl FnOnce(&mut Vec<(String, TensorView<'_>)>)) {
    let path = folder.join("model.safetensors");
    let bytes = fs::read(&path).unwrap();
    let mut tensors = SafeTensors::deserialize(&bytes).unwrap().tensors();
    change(&mut tensors);
    let written = safetensors::serialize(tensors, None).unwrap();
    fs::write(&path, written).unwrap();
}

#[test]
fn truncated_weights_are_refused_at_any_place() {
    let length = fs::metadata(folder("qwen").join("model.safetensors")).unwrap().len();
    for cut in [0, 4, 8, 500, length / 2, length - 1] {
        let error = spoilt(|folder| {
            let file = fs::File::options()
                .write(true)
                .open(folder.join("model.safetensors"))
                .unwrap();
            file.set_len(cut).unwrap();
        });
        assert!(
            matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Io),
            "{cut}: {error}"
        );
        assert!(error.to_string().contains("model.safetensors"), "{error}");
    }
}

#[test]
fn a_tensor_that_is_missing_or_has_another_shape_is_named() {
    let name = "model.layers.1.mlp.up_proj.weight";
    let missing = spoilt(|folder| rewrite(folder, |tensors| tensors.retain(|(tensor, _)| tensor != name)));
    assert_eq!(missing.kind(), ErrorKind::Corrupt);
    assert!(missing.to_string().contains(name), "{missing}");
    let turned = spoilt(|folder| {
        rewrite(folder, |tensors| {
            let (_, view) = tensors.iter_mut().find(|(tensor, _)| tensor == name).unwrap();
            let shape = view.shape().iter().rev().copied().collect();
            *view = TensorView::new(view.dtype(), shape, view.data()).unwrap();
        });
    });
    assert!(
        turned.to_string().contains(name) && turned.to_string().contains("[64, 112]"),
        "{turned}"
    );
    let whole = spoilt(|folder| {
        rewrite(folder, |tensors| {
            let (_, view) = tensors.iter_mut().find(|(tensor, _)| tensor == name).unwrap();
            *view = TensorView::new(safetensors::Dtype::I16, view.shape().to_vec(), view.data()).unwrap();
        });
    });
    assert!(whole.to_string().contains("I16"), "{whole}");
}

#[test]
fn weights_that_the_config_knows_nothing_of_are_refused() {
    let changed = |from: &'static str, to: &'static str| {
        spoilt(move |folder| {
            let path = folder.join("config.json");
            let text = fs::read_to_string(&path).unwrap();
            assert!(text.contains(from));
            fs::write(&path, text.replace(from, to)).unwrap();
        })
    };
    let fewer = changed("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1");
    assert!(fewer.to_string().contains("model.layers.1."), "{fewer}");
    let unbiased = changed("Qwen2ForCausalLM", "LlamaForCausalLM");
    assert!(unbiased.to_string().contains("bias"), "{unbiased}");
}

#[test]
fn another_architecture_or_a_config_that_is_none_is_refused() {
    let with = |text: &'static str| spoilt(move |folder| fs::write(folder.join("config.json"), text).unwrap());
    assert_eq!(with("{").kind(), ErrorKind::Corrupt);
    assert_eq!(with("{}").kind(), ErrorKind::Corrupt);
    let gpt = spoilt(|folder| {
        let path = folder.join("config.json");
        let text = fs::read_to_string(&path)
            .unwrap()
            .replace("Qwen2ForCausalLM", "GPTNeoXForCausalLM");
        fs::write(&path, text).unwrap();
    });
    assert_eq!(gpt.kind(), ErrorKind::Unsupported);
    assert!(gpt.to_string().contains("GPTNeoXForCausalLM") && gpt.to_string().contains("Qwen2ForCausalLM"));
    assert_eq!(
        Model::open(Path::new("/nowhere")).unwrap_err().kind(),
        ErrorKind::NotFound
    );
}

#[test]
fn weights_in_shards_are_those_in_one_file() {
    let root = tempfile::tempdir().unwrap();
    copy(&folder("qwen"), root.path());
    let bytes = fs::read(root.path().join("model.safetensors")).unwrap();
    fs::remove_file(root.path().join("model.safetensors")).unwrap();
    let mut halves = [Vec::new(), Vec::new()];
    let mut map = serde_json::Map::new();
    for (index, (name, view)) in SafeTensors::deserialize(&bytes)
        .unwrap()
        .tensors()
        .into_iter()
        .enumerate()
    {
        map.insert(name.clone(), format!("model-{}.safetensors", index % 2).into());
        halves[index % 2].push((name, view));
    }
    for (index, half) in halves.into_iter().enumerate() {
        let file = safetensors::serialize(half, None).unwrap();
        fs::write(root.path().join(format!("model-{index}.safetensors")), file).unwrap();
    }
    let index = root.path().join("model.safetensors.index.json");
    fs::write(&index, serde_json::json!({"weight_map": map}).to_string()).unwrap();
    let sharded = Model::open(root.path()).unwrap();
    assert_eq!(sharded.fingerprint(), model("qwen").fingerprint());

    map.insert("lm_head.weight".into(), "../model-0.safetensors".into());
    fs::write(&index, serde_json::json!({"weight_map": map}).to_string()).unwrap();
    let error = Model::open(root.path()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("../model-0.safetensors"), "{error}");
}

#[test]
fn a_new_model_is_the_same_for_the_same_seed() {
    let root = tempfile::tempdir().unwrap();
    let config = ModelConfig {
        layers: 1,
        ..ModelConfig::preset(Preset::Tiny, 64).unwrap()
    };
    let make = |name: &str, seed| {
        let path = root.path().join(name);
        init_model(&path, &config, seed).unwrap();
        (
            fs::read(path.join("model.safetensors")).unwrap(),
            Model::open(&path).unwrap(),
        )
    };
    let ((a, model), (b, _), (c, other)) = (make("a", 1), make("b", 1), make("c", 2));
    assert_eq!(a, b);
    assert_ne!(a, c);
    assert_eq!(model.config(), &config);
    assert_ne!(model.fingerprint(), other.fingerprint());
    assert!(root.path().join("a/generation_config.json").exists());
}

#[test]
fn an_adapter_of_another_base_is_refused_and_both_are_named() {
    let (root, base) = random_model();
    let adapter = Adapter::new(&base, lora(4, 0.0), 1).unwrap().with_base("first");
    let path = root.path().join("adapter");
    adapter.save(&path).unwrap();
    Adapter::read(&path, &base).unwrap();

    // Same shapes, other weights.
    let twin = root.path().join("twin");
    init_model(&twin, base.config(), 6).unwrap();
    for other in [Model::open(&twin).unwrap(), model("qwen")] {
        let other = other.with_name("second");
        for error in [
            Adapter::read(&path, &other).unwrap_err(),
            Trainer::new(
                &other,
                Trainable::Adapter(adapter.clone()),
                OptimConfig::default(),
                Recompute::None,
                0,
            )
            .unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Mismatch);
            let text = error.to_string();
            assert!(text.contains("`first`") && text.contains("`second`"), "{text}");
        }
    }
    // One of PEFT has no fingerprint: its name and shapes tell.
    let theirs = folder("qwen").join("adapter");
    assert_eq!(Adapter::read(&theirs, &base).unwrap_err().kind(), ErrorKind::Mismatch);
    let renamed = Adapter::read(&theirs, &base.with_name("here/qwen")).unwrap_err();
    assert!(renamed.to_string().contains("shape"), "{renamed}");
    Adapter::read(&theirs, &model("qwen").with_name("elsewhere/qwen")).unwrap();
}

#[test]
fn an_adapter_is_read_back_as_it_was_written() {
    let (root, base) = random_model();
    let config = LoraConfig {
        alpha: 7.5,
        ..lora(5, 0.125)
    };
    let adapter = Adapter::new(&base, config.clone(), 3).unwrap();
    let path = root.path().join("adapter");
    adapter.save(&path).unwrap();
    let read = Adapter::read(&path, &base).unwrap();
    assert_eq!(read.config(), &config);
    assert!(read.tensors().eq(adapter.tensors()));
}

#[test]
fn damaged_adapters_are_refused() {
    let (root, base) = random_model();
    let path = root.path().join("adapter");
    Adapter::new(&base, lora(4, 0.0), 3).unwrap().save(&path).unwrap();
    let weights = path.join("adapter_model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() - 4]).unwrap();
    assert_eq!(Adapter::read(&path, &base).unwrap_err().kind(), ErrorKind::Corrupt);
    fs::write(path.join("adapter_config.json"), "[]").unwrap();
    assert_eq!(Adapter::read(&path, &base).unwrap_err().kind(), ErrorKind::Corrupt);
    fs::remove_dir_all(&path).unwrap();
    assert_eq!(Adapter::read(&path, &base).unwrap_err().kind(), ErrorKind::NotFound);
}
