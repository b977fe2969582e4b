//! What a message must contain for a hook to run: an author's promise that the hook lets every other one pass, so that
//! no instance is made for it.

use std::collections::BTreeMap;

use memchr::memmem::Finder;
use sandgate_message::Json;

/// The most texts for one event.
const MOST: usize = 16;
/// The longest text, in bytes.
const LONGEST: usize = 64;

/// By MCP method, the texts of which a document must contain one. A method that is not here has no such condition.
#[derive(Debug, Default)]
pub(crate) struct Contains(Vec<(String, Vec<Finder<'static>>)>);

impl Contains {
    pub(crate) fn new(said: &BTreeMap<String, Vec<String>>) -> Self {
        let finders = |texts: &Vec<String>| {
            let owned = texts.iter().map(|text| Finder::new(text).into_owned());
            owned.collect()
        };
        let events = said.iter();
        Self(
            events
                .map(|(event, texts)| (event.clone(), finders(texts)))
                .collect(),
        )
    }

    /// Whether the hook has nothing to look for in this document. The document is searched as it was sent: where it has
    /// an escape that could stand for any character (`\u`), the hook runs.
    pub(crate) fn rules_out(&self, method: &str, document: &Json) -> bool {
        let Some((_, texts)) = self.0.iter().find(|(event, _)| event == method) else {
            return false;
        };
        let bytes = document.as_str().as_bytes();
        let found = texts.iter().any(|text| text.find(bytes).is_some());
        !found && memchr::memmem::find(bytes, b"\\u").is_none()
    }
}

/// Checks what a manifest says. Returns what is wrong with it.
pub(crate) fn check(said: &BTreeMap<String, Vec<String>>, events: &[String]) -> Option<String> {
    for (event, texts) in said {
        if event.contains(['*', '?', '[', '{']) {
            return Some(format!("name an MCP method whole, not {event:?}"));
        }
        if !events.iter().any(|one| one == event || one.contains('*')) {
            return Some(format!("{event:?} is none of the hook's events"));
        }
        if texts.is_empty() || texts.len() > MOST {
            return Some(format!("list 1 to {MOST} texts for {event:?}"));
        }
        // JSON may spell `/`, `"` and `\` in another way than as themselves, and every character beyond ASCII.
        let plain = |c: char| c.is_ascii_graphic() && !"/\"\\".contains(c) || c == ' ';
        let fits = |text: &str| (1..=LONGEST).contains(&text.len()) && text.chars().all(plain);
        if let Some(text) = texts.iter().find(|text| !fits(text)) {
            let what = "1 to 64 characters of ASCII without `/`, `\"` and `\\`";
            return Some(format!("{text:?} is not {what}"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use sandgate_message::Limits;

    use super::*;

    fn said(event: &str, texts: &[&str]) -> BTreeMap<String, Vec<String>> {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        BTreeMap::from([(event.to_owned(), texts)])
    }

    #[test]
    fn a_hook_runs_where_one_of_the_texts_is_or_may_be() {
        let contains = Contains::new(&said("tools/call", &["~", "@example"]));
        let ruled_out = |method: &str, text: &str| {
            let document = Json::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
            contains.rules_out(method, &document)
        };
        assert!(ruled_out("tools/call", r#"{"a":"plain","b":[1,"x\ny"]}"#));
        for text in [r#"{"a":"~"}"#, r#"{"x@example":1}"#, r#"{"a":"\u007e"}"#] {
            assert!(!ruled_out("tools/call", text), "{text}");
        }
        assert!(!ruled_out("prompts/get", r#"{"a":"plain"}"#));
    }

    #[test]
    fn what_json_may_spell_otherwise_is_refused() {
        let events = ["tools/call".to_owned()];
        let wrong = |event: &str, texts: &[&str]| check(&said(event, texts), &events);
        assert_eq!(wrong("tools/call", &["~", "a b", "100::"]), None);
        for (event, texts) in [
            ("tools/call", &["a/b"][..]),
            ("tools/call", &["\""]),
            ("tools/call", &["\\"]),
            ("tools/call", &["é"]),
            ("tools/call", &[""]),
            ("tools/call", &[]),
            ("tools/*", &["a"]),
            ("prompts/get", &["a"]),
        ] {
            assert!(wrong(event, texts).is_some(), "{event} {texts:?}");
        }
    }
}
