//! What the operator and the asker are told: refusals, findings, and what was not judged.

use std::collections::BTreeMap;

use sandgate_sdk::{
    Explanation, Finding, Level, Refusal, because, finding, is_plain_name, log, pointer, refuse,
};
use serde_json::{Value, json};

use crate::ask::Trouble;
use crate::hit::{Hit, highest};
use crate::inputs::{Place, Text};
use crate::judge::Judge;
use crate::settings::{Direction, Kind, Policy};
use crate::verdict::Span;

/// The most findings about one document, and the most places in one of them.
const MOST_FINDINGS: usize = 16;
const MOST_SPANS: usize = 64;

/// Bytes of the places in one finding: the gateway takes 4 KiB of details.
const LONGEST_SPANS: usize = 3 << 10;

/// Something that was not judged.
struct Gap {
    rule: &'static str,
    /// The setting that decides what comes of it.
    setting: &'static str,
    /// For the asker.
    what: String,
    /// For the operator.
    why: String,
    pointer: Option<String>,
}

impl Judge<'_> {
    /// The refusal where a score is high enough for one.
    pub(crate) fn objection(&self, texts: &[Text], hits: &[Hit]) -> Option<Refusal> {
        let threshold = self.policy.limits.actions.refuse?;
        let hit = highest(hits.iter().filter(|hit| hit.score >= threshold))?;
        let pointer = self.pointer(texts[hit.text].place);
        let refusal = refuse(
            "model.refused",
            format!(
                "The classifier that this gateway's operator runs objects to this {}.",
                self.role()
            ),
        )
        .explain(self.because(hit, pointer.as_deref()));
        Some(placed(self.not_secret(refusal), pointer))
    }

    /// What was found by a classifier of attacks is nobody's secret; personal data is.
    fn not_secret(&self, refusal: Refusal) -> Refusal {
        let mut refusal = refusal;
        if self.policy.settings.kind != Kind::Presidio {
            let mut details: Value = refusal
                .details
                .as_deref()
                .and_then(|details| serde_json::from_str(details).ok())
                .unwrap_or_else(|| json!({}));
            details["private"] = Value::Bool(false);
            refusal.details = Some(details.to_string());
        }
        refusal
    }

    /// Answers by the operator's policy where the classifier did not.
    pub(crate) fn failed(&self, trouble: Option<Trouble>) -> Option<Refusal> {
        let trouble = trouble?;
        let gap = Gap {
            rule: match trouble {
                Trouble::Unreadable => "model.bad-answer",
                _ => "model.unavailable",
            },
            setting: "/on-failure",
            what: format!("The classifier did not judge this {}", self.role()),
            why: trouble.words(),
            pointer: None,
        };
        self.settle(self.policy.settings.on_failure, gap)
    }

    /// Answers by the operator's policy where a document has more than may be sent.
    pub(crate) fn not_all_sent(&self, first: Option<Place>) -> Option<Refusal> {
        let gap = Gap {
            rule: "model.not-all-sent",
            setting: "/on-excess",
            what: format!("The classifier did not judge all of this {}", self.role()),
            why: "more text than may be sent (max-bytes, max-requests)".into(),
            pointer: self.pointer(first?),
        };
        self.settle(self.policy.settings.on_excess, gap)
    }

    fn settle(&self, policy: Policy, gap: Gap) -> Option<Refusal> {
        let private = json!({ "private": false });
        let explanation = because(gap.why.as_str()).taken_for(self.role());
        let message = format!("{}: {}.", gap.what, gap.why);
        match policy {
            Policy::Pass => {
                log(Level::Warn, &message);
                None
            }
            Policy::Record => {
                let note = self
                    .note(gap.rule, message)
                    .warn()
                    .details(private.to_string());
                let note = match gap.pointer {
                    Some(pointer) => note.at(pointer),
                    None => note,
                };
                note.explain(explanation.decided_by(gap.setting)).report();
                None
            }
            Policy::Refuse => {
                let refusal = refuse(gap.rule, format!("{}.", gap.what))
                    .details(private)
                    .explain(explanation.allowed_by(gap.setting, "record"));
                Some(placed(refusal, gap.pointer))
            }
        }
    }

    pub(crate) fn no_room(&self, pointer: String, spans: &[Span]) -> Refusal {
        let entity = spans.first().map_or("", |span| &span.entity);
        refuse(
            "model.no-room-for-a-mask",
            format!(
                "The {} contains what has to be masked ({entity}), and its form leaves no room for a mask.",
                self.role()
            ),
        )
        .details(json!({ "entity": entity }))
        .explain(self.excepted(
            because(format!("entity: {entity}")),
            json!({ "labels": [entity] }),
        ))
        .at(pointer)
    }

    /// Records what was found: texts by their score, entities by kind.
    pub(crate) fn report(&self, texts: &[Text], hits: &[Hit]) {
        let actions = &self.policy.limits.actions;
        let mask = self.mask_threshold();
        let counts = |hit: &&Hit| hit.score >= actions.least();
        let whole = hits.iter().filter(|hit| hit.span.is_none()).filter(counts);
        let mut best: BTreeMap<usize, &Hit> = BTreeMap::new();
        for hit in whole {
            let known = best.entry(hit.text).or_insert(hit);
            if hit.score > known.score {
                *known = hit;
            }
        }
        let count = best.len();
        for (text, hit) in best.into_iter().take(MOST_FINDINGS) {
            let pointer = self.pointer(texts[text].place);
            let details = json!({
                "label": hit.label, "score": rounded(hit.score), "texts": count, "private": false,
            });
            let message = format!(
                "The classifier gives this {} {:.2} ({}).",
                self.role(),
                hit.score,
                hit.label
            );
            let note = self.note("model.score", message).warn();
            let note = note.details(details.to_string());
            let note = note.explain(self.because(hit, pointer.as_deref()));
            match pointer {
                Some(pointer) => note.at(pointer),
                None => note,
            }
            .report();
        }
        let mut kinds: BTreeMap<&str, Vec<&Hit>> = BTreeMap::new();
        for hit in hits.iter().filter(|hit| hit.span.is_some()).filter(counts) {
            kinds.entry(&hit.label).or_default().push(hit);
        }
        for (entity, hits) in kinds.into_iter().take(MOST_FINDINGS) {
            self.report_entity(texts, entity, &hits, mask);
        }
    }

    fn report_entity(&self, texts: &[Text], entity: &str, hits: &[&Hit], mask: Option<f64>) {
        let Some(surest) = highest(hits.iter().copied()) else {
            return;
        };
        let places: Vec<Value> = hits
            .iter()
            .take(MOST_SPANS + 1)
            .filter_map(|hit| {
                let pointer = self.pointer(texts[hit.text].place)?;
                let span = hit.span.as_ref()?;
                Some(json!({ "pointer": pointer, "start": span.start, "end": span.end }))
            })
            .collect();
        let mut details =
            json!({ "entity": entity, "count": hits.len(), "score": rounded(surest.score) });
        if places.len() == hits.len() && json!(places).to_string().len() <= LONGEST_SPANS {
            details["spans"] = places.into();
        }
        let pointer = self.pointer(texts[surest.text].place);
        let is_masked = mask.is_some_and(|mask| surest.score >= mask);
        let message = format!(
            "The classifier names {} {entity} in this {}.",
            hits.len(),
            self.role()
        );
        let note = self.note("model.entity", message);
        let note = if is_masked { note } else { note.warn() };
        let note = match &pointer {
            Some(pointer) => note.at(pointer.as_str()),
            None => note,
        };
        note.details(details.to_string())
            .explain(self.because(surest, pointer.as_deref()))
            .report();
    }

    fn note(&self, rule: &str, message: String) -> Finding {
        let note = finding(rule, message);
        if self.is_params {
            note.in_params()
        } else {
            note
        }
    }

    /// Offers the exception that is as narrow as it can be.
    fn because(&self, hit: &Hit, pointer: Option<&str>) -> Explanation {
        let mut exception = json!({ "labels": [hit.label] });
        let argument = pointer
            .filter(|_| self.direction == Direction::Arguments)
            .map(pointer::member);
        if let Some(argument) = argument.filter(|argument| !argument.is_empty()) {
            exception["argument"] = argument.into_owned().into();
        }
        let told = because(format!("{} {:.2}", hit.label, hit.score));
        self.excepted(told, exception)
    }

    /// Offers the exception for this target. Only a plain name goes into one: another may be a pattern, or hold a secret.
    fn excepted(&self, told: Explanation, mut exception: Value) -> Explanation {
        let told = told.taken_for(self.role());
        let is_plain = |target: &&str| {
            let (_, name) = target.split_once('/').unwrap_or_default();
            is_plain_name(name)
        };
        match self.target.as_deref().filter(is_plain) {
            Some(target) => {
                exception["tool"] = target.into();
                told.allowed_by("/exceptions/-", exception)
            }
            None => told.decided_by("/exceptions"),
        }
    }

    fn role(&self) -> &'static str {
        match self.direction {
            Direction::Results => "text of a result",
            Direction::Messages => "text of a server's own message",
            Direction::Arguments => "text of an argument",
            Direction::Definitions => "text of a definition",
        }
    }
}

fn placed(refusal: Refusal, pointer: Option<String>) -> Refusal {
    match pointer {
        Some(pointer) => refusal.at(pointer),
        None => refusal,
    }
}

fn rounded(score: f64) -> f64 {
    (score * 1000.0).round() / 1000.0
}
