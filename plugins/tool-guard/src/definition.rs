//! Reads one definition: what its texts and the names of its members say and hide.

use sandgate_detect::hidden::{self, Kinds};
use sandgate_detect::poisoning::{self, Signs};
use serde_json::Value;

/// Characters and escapes that no definition needs.
const SURE: Kinds = Kinds::TAGS
    .and(Kinds::ZERO_WIDTH)
    .and(Kinds::BIDI)
    .and(Kinds::VARIATION)
    .and(Kinds::ANSI)
    .and(Kinds::ANSI_HIDING);

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
    pub(crate) fn add_text(&mut self, text: &str) {
        let reading = poisoning::read(text);
        self.hidden = self.hidden.and(reading.hidden);
        let mut signs = reading.signs;
        if reading.hidden.has(Kinds::HIDDEN_HTML) {
            signs.add(poisoning::Sign::Role, 0.7);
        }
        if signs.score() > self.signs.score() {
            self.signs = signs;
        }
    }

    /// Adds the name of a member, for example of a parameter.
    pub(crate) fn add_name(&mut self, name: &str) {
        if !name.is_ascii() || name.bytes().any(|c| c < b' ') {
            self.hidden = self.hidden.and(hidden::kinds(name));
        }
        if COLLECTORS.contains(&name) {
            self.signs.add(poisoning::Sign::Collection, 0.3);
        }
    }

    /// Reads a whole definition.
    pub(crate) fn of(definition: &Value) -> Self {
        let mut traits = Self::default();
        let mut names = Vec::new();
        traits.walk(definition, &mut names, 0);
        // After the texts, of which the worst replaces the others.
        names.iter().for_each(|name| traits.add_name(name));
        traits
    }

    fn walk<'v>(&mut self, value: &'v Value, names: &mut Vec<&'v str>, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        match value {
            Value::String(text) => self.add_text(text),
            Value::Array(elements) => elements
                .iter()
                .for_each(|one| self.walk(one, names, depth + 1)),
            Value::Object(members) => {
                for (name, member) in members {
                    names.push(name);
                    self.walk(member, names, depth + 1);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Reads what is hidden in a definition, given as JSON text. Quick where it is ASCII without escapes.
    pub(crate) fn hidden_in(json: &str) -> Result<Self, serde_json::Error> {
        if json.is_ascii() && !json.contains("\\u") && !json.contains('\u{1B}') {
            return Ok(Self::default());
        }
        Ok(Self::of(&serde_json::from_str(json)?))
    }
}
