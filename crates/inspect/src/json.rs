//! JSON that rows hold as text, for answers that show it as values.

use serde::ser::{Error as _, Serialize, Serializer};
use serde_json::{Map, Value};

/// The value that a text says; nothing when it is no JSON.
pub(crate) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

/// The value that a text says; the text itself when it is no JSON.
pub(crate) fn parsed_or_text(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// Serializes a row after `change` was made to its fields.
///
/// # Errors
/// That of the serializer; and when the row is no object, which a struct always is.
pub(crate) fn serialize_changed<S: Serializer>(
    row: &impl Serialize,
    serializer: S,
    change: impl FnOnce(&mut Map<String, Value>),
) -> Result<S::Ok, S::Error> {
    let value = serde_json::to_value(row).map_err(S::Error::custom)?;
    let Value::Object(mut fields) = value else {
        return Err(S::Error::custom("a row is an object"));
    };
    change(&mut fields);
    fields.serialize(serializer)
}
