//! What the process says, one JSON object a line.

use serde::Deserialize;

use crate::engine::Ended;
use crate::job::TrainEvent;

/// The version of the protocol.
pub(super) const PROTOCOL: u32 = 1;

/// A line.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Message {
    /// About the process.
    Control(Control),
    /// About the training.
    Event(TrainEvent),
}

/// What the process says of itself.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Control {
    /// The first line: what is there.
    Hello(Hello),
    /// It lives.
    Heartbeat,
    /// The result is in its place.
    Done {
        /// How training ended.
        ended: Ended,
    },
    /// Training cannot go on.
    Failed {
        /// For what.
        kind: Failure,
        /// Why.
        text: String,
    },
}

/// The versions of what is there.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Hello {
    /// [`PROTOCOL`].
    pub(super) version: u32,
    /// That of torch.
    pub(super) torch: String,
    /// That of transformers.
    pub(super) transformers: String,
    /// That of peft.
    pub(super) peft: String,
    /// The names of the GPUs.
    #[serde(default)]
    pub(super) cuda: Vec<String>,
    /// Whether they compute in bf16.
    #[serde(default)]
    pub(super) bf16: bool,
}

/// What training failed for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Failure {
    /// The gradient is not a number, step after step.
    Diverged,
    /// The model cannot be used.
    Model,
    /// The samples cannot be read.
    Data,
    /// Memory is short with one row in it.
    Memory,
    /// Anything else.
    #[serde(other)]
    Other,
}

impl Hello {
    /// The versions, for a user.
    pub(super) fn versions(&self) -> String {
        let Self {
            torch,
            transformers,
            peft,
            ..
        } = self;
        format!("torch {torch}, transformers {transformers}, peft {peft}")
    }

    /// The versions and where they compute, for a user.
    pub(super) fn describe(&self) -> String {
        let format = if self.bf16 { "bf16" } else { "f32" };
        match self.cuda.as_slice() {
            [] => format!("{}, on the CPU", self.versions()),
            [one] => format!("{}, in {format} on {one}", self.versions()),
            [first, ..] => format!(
                "{}, in {format} on {} GPUs, the first {first}",
                self.versions(),
                self.cuda.len()
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<Message> {
        serde_json::from_str(line).ok()
    }

    #[test]
    fn lines_of_the_protocol_are_read_and_others_are_not() {
        assert_eq!(
            read(r#"{"event":"heartbeat"}"#),
            Some(Message::Control(Control::Heartbeat))
        );
        let ended = Ended::AllSteps;
        assert_eq!(
            read(r#"{"event":"done","ended":"all_steps"}"#),
            Some(Message::Control(Control::Done { ended }))
        );
        let Some(Message::Control(Control::Failed { kind, .. })) =
            read(r#"{"event":"failed","kind":"something new","text":""}"#)
        else {
            panic!()
        };
        assert_eq!(kind, Failure::Other);
        assert_eq!(
            read(r#"{"event":"checkpoint","step":7}"#),
            Some(Message::Event(TrainEvent::Checkpoint { step: 7 }))
        );
        for line in [
            "",
            "Loading: 3%",
            "[]",
            r#"{"event":"step","step":1}"#,
            r#"{"event":"step","step":-1,"loss":NaN}"#,
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }
}
