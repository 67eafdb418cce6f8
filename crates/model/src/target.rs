//! The linear projections of a layer.

use serde::{Deserialize, Serialize};

/// A linear projection of a layer, by its name in PEFT's settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Target {
    /// To the queries.
    #[serde(rename = "q_proj")]
    Q,
    /// To the keys.
    #[serde(rename = "k_proj")]
    K,
    /// To the values.
    #[serde(rename = "v_proj")]
    V,
    /// From attention back to the residual stream.
    #[serde(rename = "o_proj")]
    O,
    /// The gate of the feed-forward part.
    #[serde(rename = "gate_proj")]
    Gate,
    /// What is gated.
    #[serde(rename = "up_proj")]
    Up,
    /// From the feed-forward part back to the residual stream.
    #[serde(rename = "down_proj")]
    Down,
}

impl Target {
    /// Every projection, in the order in which a layer uses them.
    pub const ALL: [Self; 7] = [Self::Q, Self::K, Self::V, Self::O, Self::Gate, Self::Up, Self::Down];

    /// The module inside a layer.
    pub(crate) const fn module(self) -> &'static str {
        match self {
            Self::Q => "self_attn.q_proj",
            Self::K => "self_attn.k_proj",
            Self::V => "self_attn.v_proj",
            Self::O => "self_attn.o_proj",
            Self::Gate => "mlp.gate_proj",
            Self::Up => "mlp.up_proj",
            Self::Down => "mlp.down_proj",
        }
    }
}
