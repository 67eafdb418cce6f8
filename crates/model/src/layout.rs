//! Where each trained tensor lies in one flat buffer, so that the optimizer, the norm and the state are plain loops.

use std::collections::HashMap;
use std::ops::Range;

use crate::config::ModelConfig;
use crate::lora::{LoraConfig, tensor_names};
use crate::target::Target;

/// A tensor in the flat buffer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Slot {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
    pub(crate) range: Range<usize>,
}

/// The tensors of the flat buffer, one behind the other.
#[derive(Debug, Clone, Default)]
pub(crate) struct Layout {
    tensors: Vec<Slot>,
    by_name: HashMap<String, usize>,
    len: usize,
}

/// The projections of a layer that read the same input, in the order of their outputs.
pub(crate) const GROUPS: [&[Target]; 4] = [
    &[Target::Q, Target::K, Target::V],
    &[Target::O],
    &[Target::Gate, Target::Up],
    &[Target::Down],
];

impl Layout {
    /// The A and B of every adapted projection. The A of projections with the same input are neighbors: together they
    /// are one matrix, [adapted projections times rank, input].
    pub(crate) fn lora(config: &ModelConfig, lora: &LoraConfig) -> Self {
        let mut layout = Self::default();
        for layer in 0..config.layers {
            for group in GROUPS {
                let adapted = || group.iter().filter(|target| lora.targets.contains(target));
                for &target in adapted() {
                    layout.push(
                        tensor_names(layer, target).0,
                        vec![lora.rank, config.shape_of(target).1],
                    );
                }
                for &target in adapted() {
                    layout.push(
                        tensor_names(layer, target).1,
                        vec![config.shape_of(target).0, lora.rank],
                    );
                }
            }
        }
        layout
    }

    /// Every tensor of the model.
    pub(crate) fn full(config: &ModelConfig) -> Self {
        let mut layout = Self::default();
        for spec in config.tensors() {
            layout.push(spec.name, spec.shape);
        }
        layout
    }

    fn push(&mut self, name: String, shape: Vec<usize>) {
        let end = self.len + shape.iter().product::<usize>();
        let range = self.len..end;
        self.by_name.insert(name.clone(), self.tensors.len());
        self.tensors.push(Slot { name, shape, range });
        self.len = end;
    }

    /// All tensors in order.
    pub(crate) fn tensors(&self) -> &[Slot] {
        &self.tensors
    }

    /// The floats of all tensors.
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// A tensor by its name.
    pub(crate) fn slot(&self, name: &str) -> Option<&Slot> {
        self.tensors.get(*self.by_name.get(name)?)
    }

    /// Where a tensor lies.
    pub(crate) fn range(&self, name: &str) -> Option<Range<usize>> {
        Some(self.slot(name)?.range.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Preset;

    #[test]
    fn a_of_projections_with_the_same_input_are_neighbors() {
        let config = ModelConfig::preset(Preset::Tiny, 64).unwrap();
        let layout = Layout::lora(&config, &LoraConfig::default());
        let range = |target| layout.range(&tensor_names(2, target).0).unwrap();
        assert_eq!(range(Target::Q).end, range(Target::K).start);
        assert_eq!(range(Target::K).end, range(Target::V).start);
        assert_eq!(range(Target::Gate).end, range(Target::Up).start);
        assert_eq!(layout.tensors().len(), 4 * 7 * 2);
        assert_eq!(layout.tensors().last().unwrap().range.end, layout.len());
    }

    #[test]
    fn the_full_layout_holds_every_parameter_once() {
        let config = ModelConfig::preset(Preset::Tiny, 64).unwrap();
        assert_eq!(Layout::full(&config).len() as u64, config.parameters());
    }
}
