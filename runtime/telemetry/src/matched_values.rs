//! The very words that policies matched, if `[gateway] why-values` keeps them. They are kept in memory only, for ten
//! minutes, and never if they hold a value that the gateway itself brings.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use sandgate_config::share_a_piece;
use sandgate_gateway::Ended;
use sandgate_message::{CallId, Hook, Json, Part};
use sandgate_pipeline::TrailEntry;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// How long words are kept. Old words are dropped every second, so that none is older than ten minutes.
const AGE: Duration = Duration::from_secs(10 * 60 - 5);
/// The most words that are kept. The oldest are dropped first.
const MOST: usize = 1_000;
/// The most bytes that the kept words hold together.
const BYTES: usize = 256 << 10;
/// The longest text in bytes. A longer one is cut.
const LONGEST: usize = 1 << 10;
/// The most words kept of one run.
const OF_RUN: usize = 16;

/// The words that policies matched. Empty unless keeping is switched on.
#[derive(Default)]
pub struct MatchedValues(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    on: bool,
    /// Values from the gateway's own settings. Words that hold a piece of one are not kept.
    managed: Vec<Zeroizing<String>>,
    words: VecDeque<KeptValue>,
    bytes: usize,
}

struct KeptValue {
    call: CallId,
    at: Instant,
    interceptor: Arc<str>,
    rule: Box<str>,
    pointer: Box<str>,
    text: Zeroizing<String>,
}

/// Words that a policy matched, as an operator sees them.
#[derive(Debug, Serialize, Deserialize)]
pub struct MatchedValue {
    /// The name of the interceptor that matched the words.
    pub interceptor: String,
    /// The rule, or the refusal's code.
    pub rule: String,
    /// The place of the words in the document (RFC 6901).
    pub pointer: String,
    /// The very words.
    pub text: String,
}

/// The places that the `details` of a finding name.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Places {
    spans: Vec<Span>,
    start: Option<usize>,
    end: Option<usize>,
}

#[derive(Deserialize)]
struct Span {
    pointer: String,
    start: Option<usize>,
    end: Option<usize>,
}

impl MatchedValues {
    /// Switches keeping on or off. Switching it off drops all words.
    pub fn switch(&self, on: bool, managed: Vec<Zeroizing<String>>) {
        let mut kept = self.0.lock();
        match on {
            true => (kept.on, kept.managed) = (true, managed),
            false => *kept = Kept::default(),
        }
    }

    /// Keeps the words that policies matched in a call that has ended.
    pub(crate) fn ended(&self, record: &Ended<'_>) {
        let seen = |entry: &&TrailEntry| entry.seen.is_some();
        for entry in record.trail.entries.iter().filter(seen) {
            for (rule, pointer, text) in matched(entry).into_iter().take(OF_RUN) {
                self.0.lock().keep(KeptValue {
                    call: record.call.id.clone(),
                    at: Instant::now(),
                    interceptor: entry.interceptor.clone(),
                    rule: rule.into(),
                    pointer: pointer.into(),
                    text,
                });
            }
        }
    }

    /// Drops words that are too old.
    pub(crate) fn forget(&self) {
        self.0.lock().forget(Instant::now());
    }

    /// The words matched in a call. `None` if keeping is switched off.
    pub fn of(&self, call: &str) -> Option<Vec<MatchedValue>> {
        let mut kept = self.0.lock();
        kept.forget(Instant::now());
        let words = kept.words.iter().filter(|word| *word.call.0 == *call);
        let told = words.map(|word| MatchedValue {
            interceptor: word.interceptor.to_string(),
            rule: word.rule.to_string(),
            pointer: word.pointer.to_string(),
            text: word.text.to_string(),
        });
        kept.on.then(|| told.collect())
    }
}

impl Kept {
    fn keep(&mut self, mut word: KeptValue) {
        let holds = |secret: &Zeroizing<String>| {
            !secret.is_empty()
                && (word.text.contains(secret.as_str()) || share_a_piece(&word.text, secret))
        };
        if !self.on || self.managed.iter().any(holds) {
            return;
        }
        if word.text.len() > LONGEST {
            let end = word.text.floor_char_boundary(LONGEST);
            word.text = Zeroizing::new(format!("{}…", &word.text[..end]));
        }
        self.bytes += word.bytes();
        self.words.push_back(word);
        while self.words.len() > MOST || self.bytes > BYTES {
            self.drop_oldest();
        }
    }

    fn forget(&mut self, now: Instant) {
        let is_old = |word: &KeptValue| now.duration_since(word.at) >= AGE;
        while self.words.front().is_some_and(is_old) {
            self.drop_oldest();
        }
    }

    /// Drops the oldest words. Their text is overwritten in memory.
    fn drop_oldest(&mut self) {
        if let Some(oldest) = self.words.pop_front() {
            self.bytes -= oldest.bytes();
        }
    }
}

impl KeptValue {
    fn bytes(&self) -> usize {
        self.text.len() + self.rule.len() + self.pointer.len()
    }
}

impl std::fmt::Debug for MatchedValues {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MatchedValues(…)")
    }
}

/// What matched in a run: the rule or the code, the place, and the words.
fn matched(entry: &TrailEntry) -> Vec<(String, String, Zeroizing<String>)> {
    let Some(seen) = &entry.seen else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let mut add = |rule: &str, pointer: &str, span: Option<(usize, usize)>| {
        if let Some(text) = text(seen, pointer, span) {
            found.push((rule.to_owned(), pointer.to_owned(), text));
        }
    };
    if let (Some(code), Some(pointer)) = (&entry.code, &entry.pointer) {
        add(code, pointer, None);
    }
    // A hook on a reply sees only the reply.
    let part = match entry.hook {
        Hook::PreCall => Part::Params,
        Hook::PostCall => Part::Reply,
    };
    // A server's own message is a pre-call's document, and a finding in it may name the reply.
    let about = |found: Part| found == part || entry.hook == Hook::PreCall;
    for finding in entry.findings.iter().filter(|finding| about(finding.part)) {
        let places = finding.details.as_ref().map(Json::to::<Places>);
        let places = places.and_then(Result::ok).unwrap_or_default();
        for span in &places.spans {
            add(&finding.rule, &span.pointer, span.start.zip(span.end));
        }
        if let (Some(pointer), true) = (&finding.pointer, places.spans.is_empty()) {
            add(&finding.rule, pointer, places.start.zip(places.end));
        }
    }
    found
}

/// The text at a place, or a range of its bytes. A number counts as its digits. Other values have no text.
fn text(seen: &Json, pointer: &str, span: Option<(usize, usize)>) -> Option<Zeroizing<String>> {
    let node = seen.root().at(pointer)?;
    let whole = Zeroizing::new(match node.kind() {
        sandgate_message::Kind::String => node.string()?.into_owned(),
        sandgate_message::Kind::Number => node.as_str().to_owned(),
        _ => return None,
    });
    Some(match span {
        Some((start, end)) => Zeroizing::new(whole.get(start..end)?.to_owned()),
        None => whole,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn word(call: &str, text: &str) -> KeptValue {
        KeptValue {
            call: CallId(call.into()),
            at: Instant::now(),
            interceptor: "guard".into(),
            rule: "r".into(),
            pointer: "/a".into(),
            text: Zeroizing::new(text.to_owned()),
        }
    }

    fn texts(words: &MatchedValues, call: &str) -> Vec<String> {
        let told = words.of(call).unwrap_or_default();
        told.into_iter().map(|word| word.text).collect()
    }

    #[test]
    fn off_nothing_is_kept_and_switched_off_all_is_forgotten() {
        let words = MatchedValues::default();
        words.0.lock().keep(word("a", "x"));
        assert!(words.of("a").is_none() && words.0.lock().words.is_empty());
        words.switch(true, Vec::new());
        words.0.lock().keep(word("a", "x"));
        assert_eq!(texts(&words, "a"), ["x"]);
        words.switch(false, Vec::new());
        assert!(words.0.lock().words.is_empty());
    }

    #[test]
    fn a_managed_secret_is_never_kept() {
        let words = MatchedValues::default();
        words.switch(true, vec![Zeroizing::new("Bearer s3cr3t-value".into())]);
        for text in ["Bearer s3cr3t-value", "it is s3cr3t-value.", "s3cr3t"] {
            words.0.lock().keep(word("a", text));
        }
        assert!(texts(&words, "a").is_empty());
    }

    #[test]
    fn the_oldest_go_by_count_by_size_and_by_age() {
        let words = MatchedValues::default();
        words.switch(true, Vec::new());
        for n in 0..=MOST {
            words.0.lock().keep(word(&n.to_string(), "x"));
        }
        assert!(texts(&words, "0").is_empty());
        assert_eq!(texts(&words, "1"), ["x"]);
        for n in 0..=BYTES / LONGEST {
            words
                .0
                .lock()
                .keep(word(&format!("l{n}"), &"é".repeat(LONGEST)));
        }
        assert!(words.0.lock().bytes <= BYTES);
        let mut kept = words.0.lock();
        kept.forget(Instant::now() + AGE);
        assert_eq!((kept.words.len(), kept.bytes), (0, 0));
    }
}
