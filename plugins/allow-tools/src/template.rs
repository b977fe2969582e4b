//! Completions of a resource template. The completed values become parts of a URI, so the URI as it is known so far
//! must be able to become an allowed one.

use std::collections::BTreeMap;

use sandgate_sdk::Document;
use serde::Deserialize;

use crate::rules::Allowance;

#[derive(Deserialize)]
struct Reference {
    #[serde(default)]
    r#type: String,
    #[serde(default)]
    uri: String,
}

#[derive(Deserialize)]
struct Argument {
    name: String,
    value: String,
}

/// Whether the request is not the completion of a template, or may lead to an allowed resource.
pub(crate) fn leads_to_allowed(method: &str, params: &Document, allowance: &Allowance) -> bool {
    if method != "completion/complete" {
        return true;
    }
    let read = |pointer: &str| params.get(pointer);
    let reference = read("/ref").and_then(|it| serde_json::from_str::<Reference>(&it).ok());
    let Some(reference) = reference.filter(|reference| reference.r#type == "ref/resource") else {
        return true;
    };
    let argument = read("/argument").and_then(|it| serde_json::from_str::<Argument>(&it).ok());
    let chosen: BTreeMap<String, String> = read("/context/arguments")
        .and_then(|it| serde_json::from_str(&it).ok())
        .unwrap_or_default();
    allowance.may_have(&beginning(&reference.uri, argument.as_ref(), &chosen))
}

/// The known beginning of the template's URI: up to the end of the completed value, or to the first variable without a
/// value.
fn beginning(
    template: &str,
    argument: Option<&Argument>,
    chosen: &BTreeMap<String, String>,
) -> String {
    let mut uri = String::new();
    let mut rest = template;
    while let Some((literal, after)) = rest.split_once('{') {
        uri += literal;
        let (expression, after) = after.split_once('}').unwrap_or((after, ""));
        let name = expression
            .trim_start_matches(['+', '#', '.', '/', ';', '?', '&'])
            .split([':', '*'])
            .next()
            .unwrap_or_default();
        if expression.starts_with('/') {
            uri.push('/');
        }
        if let Some(argument) = argument.filter(|argument| argument.name == name) {
            return uri + &argument.value;
        }
        match chosen.get(name) {
            Some(value) => uri += value,
            None => return uri,
        }
        rest = after;
    }
    uri + rest
}
