//! `/analyze` of Presidio's analyzer: `{"text": "…", "language": "en", "score_threshold": 0.5}` →
//! `[{"entity_type": "PERSON", "start": 0, "end": 3, "score": 0.85}]`. Offsets count characters. Several texts are a list,
//! and so are their answers.

use serde::Deserialize;
use serde_json::{Value, json};

use super::Unreadable;
use crate::settings::Settings;
use crate::verdict::{MOST, Span, Verdict};

#[derive(Deserialize)]
struct Entity {
    entity_type: String,
    start: usize,
    end: usize,
    score: f64,
}

pub(super) fn body(settings: &Settings, least: f64, inputs: &[&str]) -> String {
    let text = match inputs {
        // Older analyzers take one text only.
        [one] => Value::from(*one),
        several => json!(several),
    };
    let mut body = json!({ "text": text, "language": settings.language, "score_threshold": least });
    if !settings.entities.is_empty() {
        body["entities"] = json!(settings.entities);
    }
    body.to_string()
}

pub(super) fn verdicts(
    settings: &Settings,
    answer: &[u8],
    inputs: &[&str],
) -> Result<Vec<Verdict>, Unreadable> {
    let found: Vec<Vec<Entity>> = match inputs.len() {
        1 => vec![serde_json::from_slice(answer).map_err(|_| Unreadable)?],
        _ => serde_json::from_slice(answer).map_err(|_| Unreadable)?,
    };
    found
        .into_iter()
        .zip(inputs)
        .map(|(found, input)| of(settings, found, input))
        .collect()
}

fn of(settings: &Settings, found: Vec<Entity>, input: &str) -> Result<Verdict, Unreadable> {
    if found.len() > MOST {
        return Err(Unreadable);
    }
    let mut places: Vec<usize> = found
        .iter()
        .flat_map(|entity| [entity.start, entity.end])
        .collect();
    places.sort_unstable();
    places.dedup();
    let bytes = bytes_at(input, &places)?;
    let at = |place: usize| {
        let index = places.binary_search(&place).map_err(|_| Unreadable)?;
        bytes.get(index).copied().ok_or(Unreadable)
    };
    let mut spans = Vec::with_capacity(found.len());
    for entity in found {
        let (start, end) = (at(entity.start)?, at(entity.end)?);
        let span = Span {
            start,
            end,
            entity: entity.entity_type,
            score: entity.score,
        };
        let is_wanted = settings.entities.is_empty() || settings.entities.contains(&span.entity);
        if is_wanted {
            spans.push(span);
        }
    }
    Ok(Verdict {
        scores: Vec::new(),
        spans,
    })
}

/// The bytes at which these characters begin, in one pass. The places are in order.
fn bytes_at(input: &str, places: &[usize]) -> Result<Vec<usize>, Unreadable> {
    let mut characters = input
        .char_indices()
        .map(|(at, _)| at)
        .chain([input.len()])
        .enumerate();
    places
        .iter()
        .map(|place| {
            characters
                .find(|(index, _)| index == place)
                .map(|(_, at)| at)
                .ok_or(Unreadable)
        })
        .collect()
}
