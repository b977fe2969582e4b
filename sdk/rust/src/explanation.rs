//! Why a policy decided so, in words for the operator.

use serde_json::Value;

/// The member of `details` that it is.
const MEMBER: &str = "explanation";

/// What matched, what the policy took the value for, and the setting that would let it pass. `sandgate why` shows it, the
/// asker never sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    rule: String,
    role: Option<String>,
    setting: Option<String>,
    /// As JSON text.
    value: Option<String>,
}

/// An explanation by the rule, as the policy names it: `pattern: card number`. Never repeats the payload.
pub fn because(rule: impl Into<String>) -> Explanation {
    Explanation {
        rule: rule.into(),
        role: None,
        setting: None,
        value: None,
    }
}

/// The longest plain name, in bytes.
const LONGEST: usize = 128;

/// Whether a name that a server has given is short and plain: it holds no sentence and no wildcard, so an explanation may
/// propose it as an exception.
pub fn is_plain_name(name: &str) -> bool {
    let is_plain =
        |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'_' | b'.' | b'/' | b':' | b'-');
    !name.is_empty() && name.len() <= LONGEST && name.bytes().all(is_plain)
}

impl Explanation {
    /// What the policy took the value for, for example `path` or `text of a result`.
    #[must_use]
    pub fn taken_for(self, role: impl Into<String>) -> Self {
        Self {
            role: Some(role.into()),
            ..self
        }
    }

    /// The setting that decides about it, as a JSON Pointer into the settings.
    #[must_use]
    pub fn decided_by(self, setting: impl Into<String>) -> Self {
        Self {
            setting: Some(setting.into()),
            ..self
        }
    }

    /// What would let it pass there. In a list it is put in before what stands at that place; `-` is the end of it.
    #[must_use]
    pub fn allowed_by(self, setting: impl Into<String>, value: impl Into<Value>) -> Self {
        Self {
            value: Some(value.into().to_string()),
            ..self.decided_by(setting)
        }
    }

    /// The details with it. Other JSON than an object has no members and stays.
    pub(crate) fn added_to(self, details: Option<String>) -> Option<String> {
        let members = match details.as_deref().map(str::trim) {
            None => "",
            Some(object) => match object
                .strip_prefix('{')
                .and_then(|rest| rest.strip_suffix('}'))
            {
                Some(members) => members.trim(),
                None => return details,
            },
        };
        let comma = if members.is_empty() { "" } else { "," };
        // Written as it is: a tree of values would take a run longer than what it explains.
        let mut added = String::with_capacity(members.len() + 256);
        added.push('{');
        added.push_str(members);
        added.push_str(comma);
        added.push('"');
        added.push_str(MEMBER);
        added.push_str("\":{");
        if let Some(role) = &self.role {
            added.push_str("\"role\":");
            quote(role, &mut added);
            added.push(',');
        }
        added.push_str("\"rule\":");
        quote(&self.rule, &mut added);
        if let Some(setting) = &self.setting {
            added.push_str(",\"setting\":");
            quote(setting, &mut added);
        }
        if let Some(value) = &self.value {
            added.push_str(",\"value\":");
            added.push_str(value);
        }
        added.push_str("}}");
        Some(added)
    }
}

/// A text as a JSON string.
fn quote(text: &str, into: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        into.push('"');
        into.push_str(text);
        into.push('"');
        return;
    }
    match serde_json::to_string(text) {
        Ok(quoted) => into.push_str(&quoted),
        // No text fails.
        Err(_) => into.push_str("\"\""),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::json;

    use super::*;

    #[test]
    fn sentences_and_wildcards_are_no_plain_names() {
        assert!(is_plain_name("send_email.v2/a:b-c"));
        let long = "a".repeat(129);
        for name in ["", "send email", "send*", "sen\u{200B}d", &long] {
            assert!(!is_plain_name(name), "{name}");
        }
    }

    #[test]
    fn it_stands_beside_what_else_there_is() {
        let added = |details: Option<&str>| {
            let told = because("r").taken_for("path").allowed_by("/a", "pass");
            told.added_to(details.map(Into::into))
        };
        let told = r#"{"rule":"r","role":"path","setting":"/a","value":"pass"}"#;
        let read =
            |text: Option<String>| -> Value { serde_json::from_str(&text.unwrap()).unwrap() };
        let told: Value = serde_json::from_str(told).unwrap();
        assert_eq!(read(added(None)), json!({ "explanation": told }));
        assert_eq!(read(added(Some(" { } "))), json!({ "explanation": told }));
        assert_eq!(
            read(added(Some(r#"{"n":1}"#))),
            json!({ "n": 1, "explanation": told })
        );
        assert_eq!(added(Some("7")).as_deref(), Some("7"));
        let told = because("a \"quoted\"\n\u{1}\\ rule: é").added_to(None);
        assert_eq!(
            read(told)["explanation"]["rule"],
            "a \"quoted\"\n\u{1}\\ rule: é"
        );
    }
}
