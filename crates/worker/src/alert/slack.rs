//! The form of Slack's incoming webhooks.
//!
//! Limits and escaping are those of Slack's documentation, "Text object" and "Formatting message text". What comes from
//! outside goes into plain text, where no markup counts; `&`, `<` and `>` are escaped everywhere, so that no error's message
//! can call a channel.

use serde::Serialize;

use super::Alert;

/// The most characters of a text object. Slack does not say of which kind; counted here are UTF-16 units, of which a text
/// has the most.
const MAX_TEXT: usize = 3000;

/// Slack's own form, which has no version: its fields `text` and `blocks`, as they have been since 2019.
#[derive(Serialize)]
struct SlackMessage {
    /// For notifications, and for clients that show no blocks.
    text: String,
    blocks: [Section; 3],
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "section")]
struct Section {
    text: Text,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Text {
    Mrkdwn { text: String, verbatim: bool },
    PlainText { text: String, emoji: bool },
}

pub(super) fn body(alert: &Alert) -> String {
    let (occurrence, rule) = (&alert.occurrence, alert.rule.describe());
    let (code, component) = (occurrence.code, &occurrence.component);
    let message = SlackMessage {
        text: escape(&format!("{rule}: {code} in {component}: {}", occurrence.message)),
        blocks: [
            Section {
                text: Text::Mrkdwn {
                    text: escape(&format!("*{rule}: {code} in {component}*\n{}", code.describe())),
                    verbatim: true,
                },
            },
            plain(&occurrence.message),
            plain(&facts(alert)),
        ],
    };
    // Plain texts always have a JSON form.
    serde_json::to_string(&message).unwrap_or_default()
}

/// A section of foreign text. Slack refuses one without a character.
fn plain(text: &str) -> Section {
    let text = escape(if text.is_empty() { "no message" } else { text });
    Section {
        text: Text::PlainText { text, emoji: false },
    }
}

/// Where and how often, a fact on each line.
fn facts(alert: &Alert) -> String {
    let (occurrence, context) = (&alert.occurrence, &alert.occurrence.context);
    let known = [
        context.repository.as_ref().map(|name| format!("repository: {name}")),
        context.path.as_ref().map(|path| format!("path: {path}")),
        context.job.map(|job| format!("job: {job}")),
        context.attempt.map(|attempt| format!("attempt: {attempt}")),
        Some(format!(
            "class: {}, category: {}",
            occurrence.code.class(),
            occurrence.code.category()
        )),
        Some(format!("count: {}", alert.count)),
        Some(format!("fingerprint: {}", occurrence.fingerprint())),
    ];
    known.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

/// The text with Slack's control characters escaped, cut between two characters or escapes to the limit.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let (mut length, mut cut) = (0, 0);
    for c in text.chars() {
        let before = escaped.len();
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            c => escaped.push(c),
        }
        length += escaped[before..].chars().map(char::len_utf16).sum::<usize>();
        // Up to here there is room for the ellipsis.
        if length < MAX_TEXT {
            cut = escaped.len();
        } else if length > MAX_TEXT {
            escaped.truncate(cut);
            escaped.push('…');
            break;
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use codelupe_core::error::ErrorCode;
    use codelupe_core::error::{ErrorContext, ErrorOccurrence};
    use serde_json::{Value, json};

    use super::*;
    use crate::alert::AlertRule;

    fn message(occurrence: ErrorOccurrence) -> Value {
        let alert = Alert {
            rule: AlertRule::NewFingerprint,
            occurrence,
            count: 3,
            at: 0,
        };
        serde_json::from_str(&body(&alert)).unwrap()
    }

    #[test]
    fn a_message_has_a_title_the_text_and_the_facts() {
        let context = ErrorContext::new().with_repository("a&b").with_job(7, 2);
        let occurrence = ErrorOccurrence::new("store", ErrorCode::Storage, "*disk* <!channel> error 5", context);
        let fingerprint = occurrence.fingerprint();
        let expected = json!({
            "text": "New error: storage in store: *disk* &lt;!channel&gt; error 5",
            "blocks": [
                { "type": "section", "text": {
                    "type": "mrkdwn", "verbatim": true,
                    "text": "*New error: storage in store*\nReading or writing the data folder failed.",
                } },
                { "type": "section", "text": {
                    "type": "plain_text", "emoji": false,
                    "text": "*disk* &lt;!channel&gt; error 5",
                } },
                { "type": "section", "text": {
                    "type": "plain_text", "emoji": false,
                    "text": format!(
                        "repository: a&amp;b\njob: 7\nattempt: 2\nclass: system, category: storage\ncount: 3\n\
                         fingerprint: {fingerprint}"
                    ),
                } },
            ],
        });
        assert_eq!(message(occurrence), expected);
        let empty = message(ErrorOccurrence::new(
            "store",
            ErrorCode::Storage,
            "",
            ErrorContext::new(),
        ));
        assert_eq!(empty["blocks"][1]["text"]["text"], "no message");
    }

    #[test]
    fn texts_keep_to_the_limit_and_escapes_stay_whole() {
        let check = |text: &str, expected: &str| assert_eq!(escape(text), expected);
        let of = |count: usize| "a".repeat(count);
        check("", "");
        check("a<b & c>d", "a&lt;b &amp; c&gt;d");
        check(&of(3000), &of(3000));
        check(&of(3001), &format!("{}…", of(2999)));
        check(&format!("{}&", of(2995)), &format!("{}&amp;", of(2995)));
        check(&format!("{}&", of(2996)), &format!("{}…", of(2996)));
        check(&format!("{}&b", of(2995)), &format!("{}…", of(2995)));
        check(&"😀".repeat(1500), &"😀".repeat(1500));
        check(&"😀".repeat(1501), &format!("{}…", "😀".repeat(1499)));
        check(&"<".repeat(999), &format!("{}…", "&lt;".repeat(749)));
    }
}
