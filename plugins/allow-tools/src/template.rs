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

/// What an expression of a URI template (RFC 6570) writes around the values of its variables.
struct Operator {
    /// The length of the operator in the expression.
    length: usize,
    /// Before the first value.
    first: &'static str,
    /// Between two values.
    between: &'static str,
    /// Whether the variable's name stands before its value.
    is_named: bool,
}

impl Operator {
    fn of(expression: &str) -> Self {
        let (length, first, between, is_named) = match expression.bytes().next() {
            Some(b'+') => (1, "", ",", false),
            Some(b'#') => (1, "#", ",", false),
            Some(b'.') => (1, ".", ".", false),
            Some(b'/') => (1, "/", "/", false),
            Some(b';') => (1, ";", ";", true),
            Some(b'?') => (1, "?", "&", true),
            Some(b'&') => (1, "&", "&", true),
            _ => (0, "", ",", false),
        };
        Self {
            length,
            first,
            between,
            is_named,
        }
    }
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
        let operator = Operator::of(expression);
        let mut prefix = operator.first;
        for variable in expression[operator.length..].split(',') {
            let name = variable.split([':', '*']).next().unwrap_or_default();
            let argument = argument.filter(|argument| argument.name == name);
            let Some(value) = argument.map(|it| &it.value).or_else(|| chosen.get(name)) else {
                // What follows depends on a value that is not known.
                return uri;
            };
            uri += prefix;
            if operator.is_named {
                uri += name;
                // `{;x}` has no `=` where the value is empty.
                if !(value.is_empty() && operator.first == ";") {
                    uri.push('=');
                }
            }
            uri += value;
            if argument.is_some() {
                return uri;
            }
            prefix = operator.between;
        }
        rest = after;
    }
    uri + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_writes_its_operator_before_the_value() {
        let begins = |template: &str, value: &str| {
            let argument = Argument {
                name: "x".into(),
                value: value.into(),
            };
            let chosen = BTreeMap::from([("a".to_owned(), "1".to_owned())]);
            beginning(template, Some(&argument), &chosen)
        };
        for (template, uri) in [
            ("f://h/{x}", "f://h/v"),
            ("f://h/{+x}", "f://h/v"),
            ("f://h{/x}", "f://h/v"),
            ("f://h{/a,x}", "f://h/1/v"),
            ("f://h/p{#x}", "f://h/p#v"),
            ("f://h/p{.x}", "f://h/p.v"),
            ("f://h/p{;x}", "f://h/p;x=v"),
            ("f://h/p{?x}", "f://h/p?x=v"),
            ("f://h/p{?a,x}", "f://h/p?a=1&x=v"),
            ("f://h/p?b=2{&x*}", "f://h/p?b=2&x=v"),
            ("f://h/{a}/{x:3}/{y}", "f://h/1/v"),
            ("f://h/{y}/{x}", "f://h/"),
        ] {
            assert_eq!(begins(template, "v"), uri, "{template}");
        }
        assert_eq!(begins("f://h/p{;x}", ""), "f://h/p;x");
        assert_eq!(begins("f://h/p{?x}", ""), "f://h/p?x=");
    }
}
