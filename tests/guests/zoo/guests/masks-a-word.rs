//! Puts `[masked]` in the place of a word, wherever it stands: in texts, names and addresses, sent or answered.
//!
//! ```toml
//! [hooks.pre-call]
//! type = "mutation"
//! events = ["*"]
//! [hooks.post-call]
//! type = "mutation"
//! events = ["*"]
//! [settings]
//! type = "object"
//! properties.word = { type = "string", minLength = 1 }
//! required = ["word"]
//! additionalProperties = false
//! ```

use sandgate_sdk::{
    Context, Document, Edit, Error, Interceptor, Issues, PostDecision, PreDecision, export,
};
use serde_json::Value;

struct MasksAWord(Settings);

#[derive(serde::Deserialize)]
struct Settings {
    word: String,
}

/// What becomes of a document.
enum Masked {
    /// Strings changed, each at its place.
    Strings(Vec<Edit>),
    /// A member's name changed, for which there is no edit.
    Whole(String),
}

impl Interceptor for MasksAWord {
    type Settings = Settings;

    fn configure(settings: Settings) -> Result<Self, Issues> {
        Ok(Self(settings))
    }

    fn pre_call(&self, _: &Context, params: &Document) -> Result<PreDecision, Error> {
        Ok(match self.mask(params)? {
            Masked::Strings(edits) => edits.into(),
            Masked::Whole(document) => PreDecision::Replace(document),
        })
    }

    fn post_call(&self, _: &Context, reply: &Document) -> Result<PostDecision, Error> {
        Ok(match self.mask(reply)? {
            Masked::Strings(edits) => edits.into(),
            Masked::Whole(document) => PostDecision::Replace(document),
        })
    }
}

impl MasksAWord {
    fn mask(&self, document: &Document) -> Result<Masked, Error> {
        if document.keys().joined().contains(&self.0.word) {
            let whole = self.value(serde_json::from_str(&document.json())?);
            return Ok(Masked::Whole(whole.to_string()));
        }
        let strings = document.strings();
        let mut edits = Vec::new();
        for (index, text) in (0..).zip(strings.iter()) {
            if text.contains(&self.0.word)
                && let Some(pointer) = document.string_pointer(index)
            {
                edits.push(Edit::Set((
                    pointer,
                    Value::from(self.text(text)).to_string(),
                )));
            }
        }
        Ok(Masked::Strings(edits))
    }

    fn value(&self, value: Value) -> Value {
        match value {
            Value::String(text) => self.text(&text).into(),
            Value::Array(elements) => elements
                .into_iter()
                .map(|element| self.value(element))
                .collect(),
            Value::Object(members) => {
                let masked =
                    |(name, member): (String, Value)| (self.text(&name), self.value(member));
                members.into_iter().map(masked).collect()
            }
            other => other,
        }
    }

    fn text(&self, text: &str) -> String {
        text.replace(&self.0.word, "[masked]")
    }
}

export!(MasksAWord);
