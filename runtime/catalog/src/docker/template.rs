//! Parameters of an entry, and texts with `{{path}}` in them.

use serde_json::{Map, Value};

use crate::entry::{Input, Offer, Refusal, Text};
use crate::rules;

pub(crate) fn described(text: Option<&str>) -> String {
    rules::description(text.unwrap_or_default())
}

pub(crate) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// A text with `{{path}}` in it. A path that no parameter has is asked for as well. Filters behind it (`|into`) say how a
/// list is spread, which is the operator's to do.
pub(crate) fn templated(name: &str, text: &str, offer: &mut Offer) -> Result<Text, Refusal> {
    let text = rules::text(text, "{{", "}}", |inside| {
        let path = inside
            .split('|')
            .next()
            .unwrap_or_default()
            .trim()
            .to_owned();
        let longer = format!("{name}.{path}");
        Some(match offer.input(&longer) {
            Some(_) => longer,
            None => path,
        })
    })?;
    for input in text.inputs() {
        offer.ask(Input {
            name: input.to_owned(),
            ..Input::default()
        });
    }
    Ok(text)
}

/// Whether a text has a variable in it, as shells write it.
pub(crate) fn refers(text: &str, variable: &str) -> bool {
    text.contains(&format!("${{{variable}}}")) || text.contains(&format!("${variable}"))
}

/// The parameters of a schema, each by its path: `NAME.group.key`.
pub(crate) fn parameters(
    prefix: &str,
    schema: &Value,
    inputs: &mut Vec<Input>,
) -> Result<(), Refusal> {
    let properties = schema["properties"].as_object();
    rules::within("parameters", properties.map_or(0, Map::len))?;
    for (key, property) in properties.into_iter().flatten() {
        rules::within("parameters", inputs.len())?;
        if prefix.len().max(key.len()) > rules::LONGEST_TEXT {
            let why = "has a parameter whose name is too long";
            return Err(Refusal::of(format!("{} {why}", rules::shown(prefix))));
        }
        let path = format!("{prefix}.{key}");
        // Beyond this many parts no template of Docker's reads it.
        if property["properties"].is_object() && path.matches('.').count() < 6 {
            parameters(&path, property, inputs)?;
            continue;
        }
        let required = schema["required"].as_array();
        let is_required = |list: &Vec<Value>| list.iter().any(|one| one.as_str() == Some(key));
        let choices = property["enum"].as_array().into_iter().flatten();
        inputs.push(Input {
            name: path,
            description: described(property["description"].as_str()),
            default: scalar(&property["default"]),
            choices: choices.filter_map(scalar).collect(),
            // Where nothing is called required, nothing is known to be needless.
            is_optional: required.is_some_and(|list| !is_required(list)),
            ..Input::default()
        });
    }
    Ok(())
}
