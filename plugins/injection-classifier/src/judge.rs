//! Finds the texts of a message that score high.

use std::ops::Range;

use sandgate_detect::injection::{Score, score};
use sandgate_sdk::{Context, Document};

use crate::InjectionClassifier;
use crate::act::{self, Outcome};
use crate::settings::Action;

/// The most texts of one message that are named. More of them say nothing new, and each costs a call to the host.
const MOST: usize = 32;

/// The message that is judged.
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) is_reply: bool,
}

/// A text that reads like an instruction.
pub(crate) struct Hit {
    /// The index of the text in the document.
    pub(crate) index: u32,
    pub(crate) pointer: String,
    pub(crate) score: f32,
    pub(crate) passage: Range<usize>,
    pub(crate) reasons: Vec<&'static str>,
    pub(crate) action: Action,
    pub(crate) threshold: f32,
    /// What the exceptions are compared with: server and target.
    pub(crate) target: String,
}

impl Message {
    pub(crate) fn params(method: String) -> Self {
        Self {
            method,
            is_reply: false,
        }
    }

    pub(crate) fn reply(method: String) -> Self {
        Self {
            method,
            is_reply: true,
        }
    }

    /// The list in the reply, whose entries are judged one by one.
    pub(crate) fn list(&self) -> Option<&'static str> {
        Some(match &*self.method {
            "tools/list" => "tools",
            "prompts/list" => "prompts",
            "resources/list" => "resources",
            "resources/templates/list" => "resourceTemplates",
            _ => return None,
        })
    }
}

impl InjectionClassifier {
    /// Judges the message and does what the settings say.
    pub(crate) fn judged(
        &self,
        context: &Context,
        document: &Document,
        message: &Message,
    ) -> Outcome {
        let texts = document.texts();
        let mut found: Vec<(u32, Score, (Action, f32))> = Vec::new();
        for (index, text) in (0..).zip(texts.iter()) {
            let score = score(text);
            if let Some(level) = self.levels.reached(score.value) {
                found.push((index, score, level));
            }
        }
        if found.is_empty() {
            return Outcome::Pass;
        }
        let hits = self.hits(context, document, message, found);
        act::on(document, message, &hits, &texts)
    }

    /// Those that no exception lets pass, with their places.
    fn hits(
        &self,
        context: &Context,
        document: &Document,
        message: &Message,
        found: Vec<(u32, Score, (Action, f32))>,
    ) -> Vec<Hit> {
        let server = context.server();
        let target = context.target().unwrap_or_else(|| message.method.clone());
        let whole = format!("{server}/{target}");
        if self
            .allow
            .iter()
            .any(|exception| exception.has_target(&whole))
        {
            return Vec::new();
        }
        let mut hits = Vec::new();
        for (index, score, (action, threshold)) in found {
            // The strongest must not be left out.
            if hits.len() >= MOST && action < Action::Refuse {
                continue;
            }
            let Some(pointer) = document.text_pointer(index) else {
                continue;
            };
            let target = match listed(document, message, &pointer) {
                Some(name) => format!("{server}/{name}"),
                None => whole.clone(),
            };
            let passes =
                |exception: &crate::exception::Exception| exception.has_place(&target, &pointer);
            if !self.allow.iter().any(passes) {
                hits.push(Hit {
                    index,
                    pointer,
                    score: score.value,
                    reasons: score.reasons().collect(),
                    passage: score.passage,
                    action,
                    threshold,
                    target,
                });
            }
        }
        hits
    }
}

/// The name or URI of the entry of a list in which the pointer leads.
fn listed(document: &Document, message: &Message, pointer: &str) -> Option<String> {
    let entry = act::entry(message.list()?, pointer)?;
    ["name", "uri", "uriTemplate"].iter().find_map(|member| {
        let json = document.get(&format!("{entry}/{member}"))?;
        serde_json::from_str(&json).ok()
    })
}
