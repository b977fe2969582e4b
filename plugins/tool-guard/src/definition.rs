//! Reads one definition: what its texts and the names of its members say and hide.

use sandgate_detect::hidden::{self, Kinds};
use sandgate_detect::poisoning::{self, Reading, Signs};
use serde_json::Value;

/// Characters and escapes that no definition needs.
const SURE: Kinds = Kinds::TAGS
    .and(Kinds::ZERO_WIDTH)
    .and(Kinds::BIDI)
    .and(Kinds::VARIATION)
    .and(Kinds::ANSI)
    .and(Kinds::ANSI_HIDING);

/// The score from which a text is worth a question where it stands. Below it no threshold is reached, with a parameter
/// that weighs a little, too.
pub(crate) const NOTABLE: f32 = 0.25;

/// The weight of a name that asks for what a tool has no use for.
pub(crate) const COLLECTS: f32 = 0.3;

/// The shortest name of a member that is read as a text, in bytes.
const SENTENCE: usize = 20;

/// How deep a definition is read. `serde_json` reads no deeper.
const DEEPEST: usize = 128;

/// What was found in a definition.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traits {
    /// What is hidden.
    pub(crate) hidden: Kinds,
    /// The signs of the text that is worst, and of the parameters.
    pub(crate) signs: Signs,
}

/// Names of parameters that ask for what a tool has no use for.
const COLLECTORS: [&str; 10] = [
    "sidenote",
    "side_note",
    "conversation_history",
    "chat_history",
    "full_conversation",
    "chain_of_thought",
    "previous_messages",
    "message_history",
    "environment_variables",
    "full_context",
];

impl Traits {
    /// Whether something is hidden that no definition needs.
    pub(crate) fn hides(&self) -> bool {
        self.hidden.has(SURE)
    }

    /// Whether the texts speak to the model.
    pub(crate) fn is_poisoned(&self, threshold: f32) -> bool {
        self.signs.score() >= threshold - 0.001
    }

    /// Adds a text of the definition. The worst one counts: many harmless texts make no harmful one.
    pub(crate) fn add(&mut self, reading: &Reading) {
        self.hidden = self.hidden.and(reading.hidden);
        let mut signs = reading.signs;
        if reading.hidden.has(Kinds::HIDDEN_HTML) {
            signs.add(poisoning::Sign::Role, 0.7);
        }
        if signs.score() > self.signs.score() {
            self.signs = signs;
        }
    }

    /// Whether a text has something to be told, now or together with others.
    pub(crate) fn is_notable(reading: &Reading) -> bool {
        !reading.hidden.is_empty() || reading.signs.score() >= NOTABLE
    }

    /// Adds the name of a member, for example of a parameter.
    pub(crate) fn add_name(&mut self, name: &str) {
        if !name.is_ascii() || name.bytes().any(|c| c < b' ') {
            self.hidden = self.hidden.and(hidden::kinds(name));
        }
        if COLLECTORS.contains(&name) {
            self.signs.add(poisoning::Sign::Collection, COLLECTS);
        }
    }

    /// Adds the names of the members of a definition.
    pub(crate) fn add_names(&mut self, definition: &Value, depth: usize) {
        match definition {
            Value::Array(elements) if depth <= DEEPEST => elements
                .iter()
                .for_each(|one| self.add_names(one, depth + 1)),
            Value::Object(members) if depth <= DEEPEST => {
                for (name, member) in members {
                    self.add_name(name);
                    self.add_names(member, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Reads a whole definition.
    pub(crate) fn of(definition: &Value) -> Self {
        let mut traits = Self::default();
        traits.add_texts(definition, 0);
        // After the texts, of which the worst replaces the others.
        traits.add_names(definition, 0);
        traits
    }

    fn add_texts(&mut self, value: &Value, depth: usize) {
        match value {
            Value::String(text) => self.add(&poisoning::read(text)),
            Value::Array(elements) if depth <= DEEPEST => elements
                .iter()
                .for_each(|one| self.add_texts(one, depth + 1)),
            Value::Object(members) if depth <= DEEPEST => {
                for (name, one) in members {
                    if is_sentence(name) {
                        self.add(&poisoning::read(name));
                    }
                    self.add_texts(one, depth + 1);
                }
            }
            _ => {}
        }
    }

    /// Reads what is hidden in a definition, given as JSON text. Quick where it is ASCII without escapes.
    pub(crate) fn hidden_in(json: &str) -> Result<Self, serde_json::Error> {
        if is_plain(json) {
            return Ok(Self::default());
        }
        Ok(Self::of(&serde_json::from_str(json)?))
    }
}

/// Whether the name of a member is long enough to say something to a model.
pub(crate) fn is_sentence(name: &str) -> bool {
    name.len() >= SENTENCE && name.contains(char::is_whitespace)
}

/// Whether JSON text is ASCII without escapes of characters: nothing can be hidden in it.
pub(crate) fn is_plain(json: &str) -> bool {
    json.is_ascii() && !json.contains("\\u")
}
