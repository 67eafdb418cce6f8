//! Buffers that are reused: a step needs the same sizes as the one before.

use std::collections::HashMap;

/// Free buffers by their length.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    free: HashMap<usize, Vec<Vec<f32>>>,
    tokens: usize,
}

impl Workspace {
    /// Starts a pass over the given number of tokens. Buffers for other numbers cannot be reused and are freed.
    pub(crate) fn start(&mut self, tokens: usize) {
        if self.tokens != tokens {
            self.free.clear();
            self.tokens = tokens;
        }
    }

    /// A buffer with any content.
    pub(crate) fn take(&mut self, len: usize) -> Vec<f32> {
        let free = self.free.get_mut(&len).and_then(Vec::pop);
        free.unwrap_or_else(|| vec![0.0; len])
    }

    /// A buffer of zeros.
    pub(crate) fn take_zeros(&mut self, len: usize) -> Vec<f32> {
        match self.free.get_mut(&len).and_then(Vec::pop) {
            Some(mut buffer) => {
                buffer.fill(0.0);
                buffer
            }
            None => vec![0.0; len],
        }
    }

    /// The bytes of all buffers that were given back.
    pub(crate) fn bytes(&self) -> u64 {
        let floats: usize = self.free.iter().map(|(len, free)| len * free.len()).sum();
        4 * floats as u64
    }

    /// Gives buffers back.
    pub(crate) fn give_all(&mut self, buffers: impl IntoIterator<Item = Vec<f32>>) {
        for buffer in buffers {
            self.give(buffer);
        }
    }

    /// Gives a buffer back.
    pub(crate) fn give(&mut self, buffer: Vec<f32>) {
        if !buffer.is_empty() {
            self.free.entry(buffer.len()).or_default().push(buffer);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_come_back_until_the_number_of_tokens_changes() {
        let mut workspace = Workspace::default();
        workspace.start(8);
        let buffer = vec![7.0; 16];
        let place = buffer.as_ptr();
        workspace.give(buffer);
        workspace.start(8);
        let again = workspace.take_zeros(16);
        assert_eq!((again.as_ptr(), again[3]), (place, 0.0));
        workspace.give(again);
        workspace.start(9);
        assert!(workspace.free.is_empty());
    }
}
