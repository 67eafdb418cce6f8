//! Labels: their names, and the closed sets that their values are of.

use std::fmt;
use std::hash::Hash;

use prometheus_client::encoding::EncodeLabelSet;

/// A value of a label, and what it means.
pub type Meaning = (&'static str, &'static str);

/// A type whose values are a closed set of texts.
pub trait LabelValue {
    /// Every value, with what it means.
    fn meanings() -> Vec<Meaning>;

    /// The text of this value.
    fn text(&self) -> &'static str;
}

/// A label of a metric.
#[derive(Debug, Clone, Copy)]
pub struct Label {
    /// Its name, in snake case.
    pub name: &'static str,
    /// Every value that it can have.
    pub meanings: fn() -> Vec<Meaning>,
}

/// The labels of a metric with their values.
pub trait Labels: EncodeLabelSet + Copy + Eq + Hash + fmt::Debug + Send + Sync + 'static {
    /// The labels, in order.
    const LABELS: &'static [Label];
}

/// An enum whose members are the values of a label: `Member = "text": "what it means";`.
macro_rules! closed_set {
    ($(#[$about:meta])* $set:ident { $($member:ident = $text:literal: $meaning:literal;)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $set {
            $(#[doc = concat!("`", $text, "`: ", $meaning, ".")] $member,)*
        }

        impl $set {
            /// Every value.
            pub const ALL: &'static [Self] = &[$(Self::$member,)*];

            /// The text of this value.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$member => $text,)* }
            }

            /// What it means.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$member => $meaning,)* }
            }
        }

        impl $crate::label::LabelValue for $set {
            fn meanings() -> Vec<$crate::label::Meaning> {
                Self::ALL.iter().map(|member| (member.as_str(), member.meaning())).collect()
            }

            fn text(&self) -> &'static str {
                self.as_str()
            }
        }
    };
}

/// A struct whose fields are the labels of a metric.
macro_rules! label_set {
    ($(#[$about:meta])* $set:ident { $($(#[$field_about:meta])* $field:ident: $value:ty,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub struct $set {
            $($(#[$field_about])* pub $field: $value,)*
        }

        impl $crate::label::Labels for $set {
            const LABELS: &'static [$crate::label::Label] = &[$($crate::label::Label {
                name: stringify!($field),
                meanings: <$value as $crate::label::LabelValue>::meanings,
            },)*];
        }

        impl prometheus_client::encoding::EncodeLabelSet for $set {
            fn encode(&self, encoder: &mut prometheus_client::encoding::LabelSetEncoder<'_>) -> std::fmt::Result {
                $(prometheus_client::encoding::EncodeLabel::encode(
                    &(stringify!($field), $crate::label::LabelValue::text(&self.$field)),
                    encoder.encode_label(),
                )?;)*
                let _ = encoder;
                Ok(())
            }
        }
    };
}

pub(crate) use {closed_set, label_set};
