//! `/v1/moderations`: `{"input": ["…"]}` → `{"results": [{"category_scores": {"violence": 0.1}}]}`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::Unreadable;
use crate::settings::Settings;
use crate::verdict::Verdict;

#[derive(Deserialize)]
struct Answer {
    results: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    category_scores: BTreeMap<String, f64>,
}

pub(super) fn body(settings: &Settings, inputs: &[&str]) -> String {
    match &settings.model {
        Some(model) => json!({ "model": model, "input": inputs }),
        None => json!({ "input": inputs }),
    }
    .to_string()
}

pub(super) fn verdicts(settings: &Settings, answer: &[u8]) -> Result<Vec<Verdict>, Unreadable> {
    let answer: Answer = serde_json::from_slice(answer).map_err(|_| Unreadable)?;
    answer
        .results
        .into_iter()
        .map(|one| of(settings, one.category_scores))
        .collect()
}

/// A category that the operator named and the answer lacks makes the answer unreadable: it was not judged.
fn of(settings: &Settings, mut scores: BTreeMap<String, f64>) -> Result<Verdict, Unreadable> {
    let scores: Vec<(String, f64)> = match settings.categories.is_empty() {
        true => scores.into_iter().collect(),
        false => settings
            .categories
            .iter()
            .map(|category| scores.remove_entry(category).ok_or(Unreadable))
            .collect::<Result<_, _>>()?,
    };
    if scores.is_empty() {
        return Err(Unreadable);
    }
    Ok(Verdict {
        scores,
        spans: Vec::new(),
    })
}
