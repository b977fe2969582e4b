//! The settings.

use std::collections::BTreeMap;

use sandgate_sdk::Issues;

use crate::exception::Exception;

/// The threshold unless set. The README shows what it means on sources that the model has not seen.
const THRESHOLD: f32 = 0.5;

/// The settings.
#[derive(serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// What happens to a text whose score reaches `threshold`. record: a finding, and nothing is changed. annotate: a
    /// warning is put beside the result. fence: marks are put around the text where it is prose, else as annotate.
    /// refuse: the reply is withheld; of a list, the entry is left out.
    pub(crate) action: Action,
    /// The score, from 0 to 1, from which on a text is taken for an instruction.
    #[cfg_attr(test, schemars(range(min = 0.01, max = 0.999)))]
    pub(crate) threshold: f32,
    /// Stronger actions for higher scores: { refuse = 0.95 }.
    pub(crate) thresholds: BTreeMap<Action, f32>,
    /// What is not judged: `SERVER/TOOL`, or a prompt's name or a resource's URI in place of the tool, with the wildcards
    /// * and ?. `#` and a pointer after it restrict it to a place: "crm/lookup_*#/structuredContent/notes*".
    #[cfg_attr(test, schemars(inner(regex(pattern = r"^[^/]+/.+$"))))]
    pub(crate) allow: Vec<String>,
}

/// What happens to a text, from the weakest to the strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub(crate) enum Action {
    Record,
    Annotate,
    Fence,
    Refuse,
}

/// From which score on which action is taken, rising.
pub(crate) struct Levels(Vec<(f32, Action)>);

impl Default for Settings {
    fn default() -> Self {
        Self {
            action: Action::Record,
            threshold: THRESHOLD,
            thresholds: BTreeMap::new(),
            allow: Vec::new(),
        }
    }
}

impl Settings {
    /// What follows from the settings. The error lists everything that is wrong.
    pub(crate) fn checked(self) -> Result<(Levels, Vec<Exception>), Issues> {
        let mut issues = Issues::new();
        let is_score = |score: f32| (0.01..=0.999).contains(&score);
        if !is_score(self.threshold) {
            issues.add("/threshold", "no score: from 0.01 to 0.999");
        }
        let mut levels = vec![(self.threshold, self.action)];
        for (action, score) in &self.thresholds {
            let pointer = format!("/thresholds/{}", action.name());
            if !is_score(*score) {
                issues.add(&pointer, "no score: from 0.01 to 0.999");
            }
            if *action <= self.action {
                issues.add(
                    &pointer,
                    "weaker than `action` or the same: `threshold` decides about it",
                );
            } else if levels.last().is_some_and(|(below, _)| score <= below) {
                issues.add(
                    &pointer,
                    "not above the threshold of the weaker action, which would never be taken",
                );
            }
            levels.push((*score, *action));
        }
        let mut allow = Vec::new();
        for (index, written) in self.allow.iter().enumerate() {
            match Exception::read(written) {
                Ok(exception) => allow.push(exception),
                Err(why) => issues.add(format!("/allow/{index}"), why),
            }
        }
        issues.or((Levels(levels), allow))
    }
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Record => "record",
            Self::Annotate => "annotate",
            Self::Fence => "fence",
            Self::Refuse => "refuse",
        }
    }
}

impl Levels {
    /// The strongest action that the score reaches, with its threshold.
    pub(crate) fn reached(&self, score: f32) -> Option<(Action, f32)> {
        self.0
            .iter()
            .rev()
            .find(|(threshold, _)| score >= *threshold)
            .map(|(threshold, action)| (*action, *threshold))
    }
}
