//! Finds the texts of a message that score high.

use std::collections::BTreeSet;
use std::ops::Range;

use sandgate_detect::injection::{Score, score};
use sandgate_sdk::{Context, Document};

use crate::InjectionClassifier;
use crate::act::{self, Outcome};
use crate::settings::Action;

/// The most texts of one message that are named. More of them say nothing new, and each costs a call to the host.
const MOST: usize = 32;

/// The most texts of one message whose places are asked for, those that an exception lets pass included.
const MOST_ASKED: usize = 256;

/// The shortest name of a member that is judged, in bytes.
const SENTENCE: usize = 20;

/// The message that is judged.
pub(crate) struct Message {
    pub(crate) method: String,
    pub(crate) is_reply: bool,
}

/// A text that reads like an instruction.
pub(crate) struct Hit {
    /// The index of the text in the document. `None`: it is the name of a member, and stands nowhere.
    pub(crate) index: Option<u32>,
    pub(crate) pointer: String,
    pub(crate) score: f32,
    pub(crate) passage: Range<usize>,
    pub(crate) reasons: Vec<&'static str>,
    pub(crate) action: Action,
    pub(crate) threshold: f32,
    /// What the exceptions are compared with: server and target.
    pub(crate) target: String,
}

/// What scored high in a message.
#[derive(Default)]
pub(crate) struct Hits {
    /// In document order.
    pub(crate) named: Vec<Hit>,
    /// The strongest action for those that are too many to be named.
    pub(crate) left_out: Option<Action>,
}

/// A score, where it was reached, and what follows from it.
struct Found {
    index: Option<u32>,
    score: Score,
    action: Action,
    threshold: f32,
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
        let mut found: Vec<Found> = Vec::new();
        let mut judge = |index: Option<u32>, text: &str| {
            let score = score(text);
            if let Some((action, threshold)) = self.levels.reached(score.value) {
                found.push(Found {
                    index,
                    score,
                    action,
                    threshold,
                });
            }
        };
        if message.is_reply {
            let keys = document.keys();
            let names: BTreeSet<&str> = keys.iter().filter(|name| is_sentence(name)).collect();
            names.iter().for_each(|name| judge(None, name));
        }
        for (index, text) in (0..).zip(texts.iter()) {
            judge(Some(index), text);
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
        mut found: Vec<Found>,
    ) -> Hits {
        let server = context.server();
        let target = context.target().unwrap_or_else(|| message.method.clone());
        let whole = format!("{server}/{target}");
        if self
            .allow
            .iter()
            .any(|exception| exception.has_target(&whole))
        {
            return Hits::default();
        }
        // Many weak ones must not push out a strong one.
        found.sort_by(|one, other| {
            let by_score = || other.score.value.total_cmp(&one.score.value);
            other.action.cmp(&one.action).then_with(by_score)
        });
        let mut hits = Hits::default();
        for (asked, found) in found.into_iter().enumerate() {
            let Found {
                index,
                score,
                action,
                threshold,
            } = found;
            let is_enough = hits.named.len() >= MOST || asked >= MOST_ASKED;
            if is_enough && action < Action::Refuse {
                hits.left_out = Some(action);
                break;
            }
            let pointer = match index {
                Some(index) => document.text_pointer(index),
                None => Some(String::new()),
            };
            let Some(pointer) = pointer else {
                continue;
            };
            let target = match listed(document, message, &pointer) {
                Some(name) => format!("{server}/{name}"),
                None => whole.clone(),
            };
            let passes =
                |exception: &crate::exception::Exception| exception.has_place(&target, &pointer);
            if !self.allow.iter().any(passes) {
                hits.named.push(Hit {
                    index,
                    pointer,
                    score: score.value,
                    reasons: score.reasons().collect(),
                    passage: score.passage,
                    action,
                    threshold,
                    target,
                });
                // All of the message is withheld, whatever else it says.
                if action == Action::Refuse && message.list().is_none() {
                    break;
                }
            }
        }
        hits.named.sort_by_key(|hit| hit.index);
        hits
    }
}

/// Whether the name of a member is long enough to say something to a model.
fn is_sentence(name: &str) -> bool {
    name.len() >= SENTENCE && name.contains(char::is_whitespace)
}

/// The name or URI of the entry of a list in which the pointer leads.
fn listed(document: &Document, message: &Message, pointer: &str) -> Option<String> {
    let entry = act::entry(message.list()?, pointer)?;
    ["name", "uri", "uriTemplate"].iter().find_map(|member| {
        let json = document.get(&format!("{entry}/{member}"))?;
        serde_json::from_str(&json).ok()
    })
}
