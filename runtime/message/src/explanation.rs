//! Explains a policy's decision to the operator: what matched, what the policy took the value for, and the setting that
//! would let the value pass. The explanation is the member `explanation` of a refusal's or a finding's `details`.

use serde::{Deserialize, Serialize};

use crate::apply::apply;
use crate::edit::Edit;
use crate::json::Json;
use crate::json_error::Limits;
use crate::tape::Kind;

/// The name of the member in `details`.
const MEMBER: &str = "explanation";
/// The longest rule or role, in bytes. Longer ones are cut.
const WORD: usize = 128;
/// The longest setting's pointer, in bytes. A longer pointer, or a value of more than [`VALUE`] bytes of JSON text, is
/// left out, since a part would not allow what the whole does.
const SETTING: usize = 256;
const VALUE: usize = 2 << 10;

/// A policy's explanation of one decision. Never repeats the payload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The rule that matched, as the policy names it: `pattern: card number`.
    pub rule: String,
    /// What the policy took the value for: `path`, `text of a result`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// The setting that decides about the value: a JSON Pointer into the interceptor's settings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub setting: Option<String>,
    /// The value that would allow it there. In a list the value is inserted before the pointer's place; `-` is the end
    /// of the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
}

impl Explanation {
    /// Splits `details` into the explanation, within bounds, and the rest. A member that is not an explanation stays in
    /// the rest.
    pub fn split(details: Option<Json>, limits: &Limits) -> (Option<Box<Self>>, Option<Json>) {
        let Some(whole) = details else {
            return (None, None);
        };
        let Some(explanation) = Self::within(&whole) else {
            return (None, Some(whole));
        };
        let rest = apply(&whole, &[Edit::Remove(format!("/{MEMBER}"))], limits).ok();
        let rest = rest.filter(|rest| rest.root().members().next().is_some());
        (Some(Box::new(explanation)), rest)
    }

    /// The explanation in `details`, within bounds.
    pub fn within(details: &Json) -> Option<Self> {
        if details.root().kind() != Kind::Object {
            return None;
        }
        let explanation: Self = details.get(MEMBER)?.to().ok()?;
        Some(explanation.bounded())
    }

    fn bounded(mut self) -> Self {
        let cut = |text: &mut String| text.truncate(text.floor_char_boundary(WORD));
        cut(&mut self.rule);
        self.role.iter_mut().for_each(cut);
        self.setting = self.setting.filter(|setting| setting.len() <= SETTING);
        let small = |value: &serde_json::Value| value.to_string().len() <= VALUE;
        self.value = self
            .value
            .filter(|value| self.setting.is_some() && small(value));
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn split(details: &str) -> (Option<Box<Explanation>>, Option<String>) {
        let limits = Limits::default();
        let details = Json::parse(details.to_owned(), &limits).unwrap();
        let (explanation, rest) = Explanation::split(Some(details), &limits);
        (explanation, rest.map(|rest| rest.as_str().to_owned()))
    }

    #[test]
    fn it_is_taken_out_and_the_rest_stays() {
        let (explanation, rest) = split(
            r#"{"private":false,"explanation":{"rule":"a pattern","role":"path","setting":"/a","value":"record","more":1}}"#,
        );
        let explanation = explanation.unwrap();
        assert_eq!(explanation.rule, "a pattern");
        assert_eq!(explanation.value, Some("record".into()));
        assert_eq!(rest.unwrap(), r#"{"private":false}"#);
        assert_eq!(split(r#"{"explanation":{"rule":"r"}}"#).1, None);
    }

    #[test]
    fn what_is_no_explanation_stays() {
        for details in [
            r#"{"explanation":"a text"}"#,
            r#"{"explanation":{"why":1}}"#,
            r#"["explanation"]"#,
            "7",
        ] {
            assert_eq!(split(details), (None, Some(details.to_owned())));
        }
    }

    #[test]
    fn it_is_bounded() {
        let long = "é".repeat(4000);
        let (explanation, _) = split(&format!(
            r#"{{"explanation":{{"rule":"{long}","role":"{long}","setting":"/a","value":"{long}"}}}}"#
        ));
        let explanation = explanation.unwrap();
        assert_eq!((explanation.rule.len(), explanation.value), (WORD, None));
        let (explanation, _) = split(&format!(
            r#"{{"explanation":{{"rule":"r","setting":"/{long}","value":1}}}}"#
        ));
        let explanation = explanation.unwrap();
        assert_eq!((explanation.setting, explanation.value), (None, None));
    }
}
