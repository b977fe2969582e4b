//! Text classification: `{"inputs": ["…"]}` → `[[{"label": "INJECTION", "score": 0.9}, {"label": "SAFE", "score": 0.1}]]`.
//! Some servers give the best label of each text only, and a list for one text without the outer one.

use serde::Deserialize;
use serde_json::json;

use super::Unreadable;
use crate::settings::{InputForm, Settings};
use crate::verdict::Verdict;

#[derive(Deserialize)]
struct Label {
    label: String,
    score: f64,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Answer {
    Nested(Vec<Vec<Label>>),
    Flat(Vec<Label>),
}

pub(super) fn body(settings: &Settings, inputs: &[&str]) -> String {
    match settings.input_form {
        InputForm::Texts => json!({ "inputs": inputs }),
        InputForm::Lists => {
            let lists: Vec<[&str; 1]> = inputs.iter().map(|input| [*input]).collect();
            json!({ "inputs": lists })
        }
    }
    .to_string()
}

pub(super) fn verdicts(
    settings: &Settings,
    answer: &[u8],
    inputs: usize,
) -> Result<Vec<Verdict>, Unreadable> {
    let texts = match serde_json::from_slice(answer).map_err(|_| Unreadable)? {
        Answer::Nested(texts) => texts,
        Answer::Flat(labels) if inputs == 1 => vec![labels],
        Answer::Flat(best) => best.into_iter().map(|label| vec![label]).collect(),
    };
    texts
        .into_iter()
        .map(|labels| of(settings, labels))
        .collect()
}

/// Where none of the wanted labels is told, what is not safe counts. Labels that are neither make the answer unreadable:
/// the settings are for another model.
fn of(settings: &Settings, labels: Vec<Label>) -> Result<Verdict, Unreadable> {
    let is_share = |label: &Label| (0.0..=1.0).contains(&label.score);
    if !labels.iter().all(is_share) {
        return Err(Unreadable);
    }
    let safe = labels
        .iter()
        .find(|label| settings.safe_labels.contains(&label.label))
        .map(|label| label.score);
    let mut scores: Vec<(String, f64)> = labels
        .into_iter()
        .filter(|label| settings.labels.contains(&label.label))
        .map(|label| (label.label, label.score))
        .collect();
    if scores.is_empty() {
        scores.push(("not-safe".into(), 1.0 - safe.ok_or(Unreadable)?));
    }
    Ok(Verdict {
        scores,
        spans: Vec::new(),
    })
}
