//! The JSON form.

use codelupe_core::error::{Category, Class, ErrorCode, ErrorContext, Fingerprint};
use serde::Serialize;

use super::{Alert, AlertRule};

/// The version of the form: raised when a field goes or changes its meaning, not when one is added.
const VERSION: u32 = 1;

#[derive(Serialize)]
struct JsonAlert<'a> {
    version: u32,
    rule: AlertRule,
    code: ErrorCode,
    class: Class,
    category: Category,
    component: &'a str,
    message: &'a str,
    context: &'a ErrorContext,
    fingerprint: Fingerprint,
    count: u64,
    /// Milliseconds since the Unix epoch.
    at: i64,
}

pub(super) fn body(alert: &Alert) -> String {
    let occurrence = &alert.occurrence;
    let json = serde_json::to_string(&JsonAlert {
        version: VERSION,
        rule: alert.rule,
        code: occurrence.code,
        class: occurrence.code.class(),
        category: occurrence.code.category(),
        component: &occurrence.component,
        message: &occurrence.message,
        context: &occurrence.context,
        fingerprint: occurrence.fingerprint(),
        count: alert.count,
        at: alert.at,
    });
    // Plain names and numbers always have a JSON form.
    json.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use codelupe_core::error::ErrorOccurrence;
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_field_is_there() {
        let context = ErrorContext::new().with_repository("a/b").with_job(7, 2);
        let alert = Alert {
            rule: AlertRule::Rate,
            occurrence: ErrorOccurrence::new("store", ErrorCode::Storage, "disk error 5", context),
            count: 61,
            at: 1_767_323_045_000,
        };
        let expected = json!({
            "version": 1,
            "rule": "rate",
            "code": "storage",
            "class": "system",
            "category": "storage",
            "component": "store",
            "message": "disk error 5",
            "context": { "repository": "a/b", "job": 7, "attempt": 2 },
            "fingerprint": "a51e844f53e9d405",
            "count": 61,
            "at": 1_767_323_045_000_i64,
        });
        assert_eq!(serde_json::from_str::<Value>(&body(&alert)).unwrap(), expected);
    }
}
