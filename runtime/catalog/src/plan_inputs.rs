//! What the inputs of an offer are: what the operator gave, their defaults, and what is still to fill in.

use std::collections::{BTreeMap, BTreeSet};

use sandgate_config::fill_in;
use sandgate_text::printable;

use crate::entry::{Input, Part, Refusal, Text};
use crate::plan::PlanError;
use crate::{Offer, rules};

/// The inputs of one offer.
pub(crate) struct Inputs<'a> {
    pub(crate) offer: &'a Offer,
    /// Values that the operator gave, by name.
    pub(crate) given: &'a BTreeMap<String, String>,
    /// What is to be filled in, and what it is.
    pub(crate) left: Vec<(String, String)>,
    pub(crate) used: BTreeSet<String>,
}

impl<'a> Inputs<'a> {
    pub(crate) fn new(offer: &'a Offer, given: &'a BTreeMap<String, String>) -> Self {
        Self {
            offer,
            given,
            left: Vec::new(),
            used: BTreeSet::new(),
        }
    }

    /// The value of an input: what the operator gave, its default, or what stands for it.
    pub(crate) fn value(&mut self, name: &str) -> Result<String, PlanError> {
        let none = Input::default();
        let input = self.offer.input(name).unwrap_or(&none);
        self.used.insert(name.to_owned());
        let Some(value) = self.given.get(name).or(input.default.as_ref()) else {
            return Ok(self.unknown(name));
        };
        let failed = |why: String| Err(PlanError::Value(Refusal::of(why)));
        if !input.choices.is_empty() && !input.choices.contains(value) {
            let choices = rules::shown(&input.choices.join(", "));
            return failed(format!("{} is one of {choices}", rules::shown(name)));
        }
        if value.len() > rules::LONGEST_TEXT || *value != printable(value) {
            return failed(format!(
                "the value of {} is too long, or has characters that are not seen",
                rules::shown(name)
            ));
        }
        Ok(value.clone())
    }

    /// What stands for an input that has no value.
    pub(crate) fn unknown(&mut self, name: &str) -> String {
        self.used.insert(name.to_owned());
        if !self.left.iter().any(|(left, _)| left == name) {
            let input = self.offer.input(name).cloned().unwrap_or_default();
            let choices = match input.choices.is_empty() {
                true => String::new(),
                false => format!(" (one of {})", input.choices.join(", ")),
            };
            let what = format!("{}{choices}", input.description);
            self.left.push((name.to_owned(), what));
        }
        fill_in(name)
    }

    pub(crate) fn text(&mut self, text: &Text) -> Result<String, PlanError> {
        let mut whole = String::new();
        for part in &text.0 {
            match part {
                Part::Plain(text) => whole.push_str(text),
                Part::Input(name) => whole.push_str(&self.value(name)?),
            }
        }
        Ok(whole)
    }

    pub(crate) fn arguments(&mut self) -> Result<Vec<String>, PlanError> {
        let mut args = Vec::new();
        for text in &self.offer.args {
            let arg = self.text(text)?;
            if let Some(Part::Input(name)) = text.0.first() {
                rules::argument_value(name, &arg).map_err(PlanError::Value)?;
            }
            args.push(arg);
        }
        rules::filled(&args).map_err(PlanError::Value)?;
        Ok(args)
    }

    /// The URL. It is judged whole, so that nothing of it can be left to fill in.
    pub(crate) fn url(&mut self, url: &Text) -> Result<String, PlanError> {
        let whole = self.text(url)?;
        for name in url.inputs() {
            // It may end neither the host nor the path.
            let fits = |c: char| c.is_ascii_alphanumeric() || "-._~".contains(c);
            let value = self.value(name)?;
            if self.left.is_empty() && (value.is_empty() || !value.chars().all(fits)) {
                let why = "is letters, digits, `-`, `.`, `_` and `~`, since it stands in a URL";
                return Err(PlanError::Value(Refusal::of(format!(
                    "{} {why}",
                    rules::shown(name)
                ))));
            }
        }
        if let Some((name, what)) = self.left.first() {
            let why = format!(
                "its URL needs {name} ({}): --set {name}=VALUE",
                rules::shown(what)
            );
            return Err(PlanError::Value(Refusal::of(why)));
        }
        rules::remote(&Text::plain(whole.as_str())).map_err(PlanError::Value)?;
        Ok(whole)
    }

    /// Whether a text has an input without a value that needs none.
    pub(crate) fn is_needless(&mut self, text: &Text) -> bool {
        let needless = |name: &&str| {
            let input = self.offer.input(name);
            let bare = |input: &Input| input.is_optional && input.default.is_none();
            input.is_some_and(bare) && !self.given.contains_key(*name)
        };
        let found = text.inputs().any(|name| needless(&name));
        if found {
            self.used.extend(text.inputs().map(str::to_owned));
        }
        found
    }

    /// Refuses values that nothing asks for.
    pub(crate) fn unused(&self) -> Result<(), PlanError> {
        let Some(name) = self.given.keys().find(|name| !self.used.contains(*name)) else {
            return Ok(());
        };
        let secret = self.offer.secrets.iter().any(|secret| secret.name == *name);
        let why = match secret {
            true => "is a secret, and no command line has one: `sandgate secret set` reads it from stdin".to_owned(),
            false => {
                let known: Vec<&str> = self.used.iter().map(String::as_str).collect();
                format!("is nothing that it asks for; it asks for {}", rules::shown(&known.join(", ")))
            }
        };
        Err(PlanError::Value(Refusal::of(format!(
            "{} {why}",
            rules::shown(name)
        ))))
    }
}
