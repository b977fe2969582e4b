//! The tool's own input schema, kept within bounds: it comes from the server, and the server is not trusted.

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError};
use sandgate_sdk::{Explanation, Refusal, because, refuse};
use serde_json::{Value, json};

/// Violations that a refusal names.
const NAMED: usize = 5;
/// Schemas within schemas.
const DEPTH: usize = 64;
/// Schemas that may have to be looked at for one value: `allOf` of references to `allOf` of references doubles with
/// each step.
const STEPS: usize = 10_000;
/// Bytes of a compiled pattern, and steps back that it may take.
const PATTERN: usize = 1 << 20;
const BACKTRACKS: usize = 20_000;

/// What is wrong with the arguments, or with the schema itself.
pub(crate) fn trouble(schema: &Value, arguments: &Value) -> Option<Refusal> {
    let unusable = |why: &str| {
        let refusal = refuse(
            "arguments.unusable-schema",
            format!("The tool's inputSchema cannot be used: {why}."),
        );
        Some(refusal.explain(unchecked("inputSchema that cannot be used".into())))
    };
    if let Err(why) = Cost::of(schema) {
        return unusable(why);
    }
    // Without resolvers compiled in, a reference that leads out of the schema is an error here.
    let patterns = PatternOptions::fancy_regex()
        .backtrack_limit(BACKTRACKS)
        .size_limit(PATTERN)
        .dfa_size_limit(PATTERN);
    let Ok(validator) = jsonschema::options()
        .with_pattern_options(patterns)
        .build(schema)
    else {
        return unusable("it is no valid schema, or refers to one that is not in it");
    };
    let errors: Vec<ValidationError> = validator.iter_errors(arguments).take(NAMED).collect();
    let first = errors.first()?;
    let places: Vec<String> = errors
        .iter()
        .map(|error| format!("{}: {}", place(error), expected(error)))
        .collect();
    let details: Vec<Value> = errors.iter().map(|error| json!({"pointer": place(error), "keyword": error.kind().keyword(), "expected": expected(error)})).collect();
    Some(
        refuse(
            "arguments.schema",
            format!(
                "The arguments do not fit the tool's inputSchema. {}.",
                places.join("; ")
            ),
        )
        .at(place(first))
        .details(json!({ "violations": details }))
        .explain(unchecked(format!(
            "schema keyword: {}",
            first.kind().keyword()
        ))),
    )
}

fn unchecked(rule: String) -> Explanation {
    because(rule)
        .taken_for("argument")
        .allowed_by("/schema", "record")
}

fn place(error: &ValidationError) -> String {
    format!("/arguments{}", error.instance_path().as_str())
}

/// What the schema wanted; what was there is not said, names of unknown members among it.
fn expected(error: &ValidationError) -> String {
    match error.kind() {
        ValidationErrorKind::AdditionalProperties { unexpected }
        | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
            format!(
                "{} too many: only members that the schema names",
                unexpected.len()
            )
        }
        ValidationErrorKind::PropertyNames { .. } => {
            "a member's name is not as it should be".into()
        }
        ValidationErrorKind::BacktrackLimitExceeded { .. }
        | ValidationErrorKind::RegexEngineFailure { .. } => "its pattern takes too long".into(),
        _ => error.masked().to_string(),
    }
}

/// How much a schema may make a validator do.
struct Cost<'s> {
    root: &'s Value,
    steps: usize,
}

impl<'s> Cost<'s> {
    fn of(root: &'s Value) -> Result<(), &'static str> {
        let mut cost = Self { root, steps: 0 };
        cost.nested(root, 0)
    }

    /// Every schema in it, each as where a value begins.
    fn nested(&mut self, schema: &'s Value, depth: usize) -> Result<(), &'static str> {
        if depth > DEPTH {
            return Err("it is nested too deep");
        }
        self.in_place(schema, 0)?;
        match schema {
            Value::Object(members) => members
                .values()
                .try_for_each(|member| self.nested(member, depth + 1)),
            Value::Array(elements) => elements
                .iter()
                .try_for_each(|element| self.nested(element, depth + 1)),
            _ => Ok(()),
        }
    }

    /// The schemas that judge the same value.
    fn in_place(&mut self, schema: &'s Value, depth: usize) -> Result<(), &'static str> {
        let Value::Object(schema) = schema else {
            return Ok(());
        };
        self.steps += 1;
        if self.steps > STEPS || depth > DEPTH {
            return Err("it is too complex");
        }
        if let Some(pointer) = schema
            .get("$ref")
            .and_then(Value::as_str)
            .and_then(|reference| reference.strip_prefix('#'))
            && let Some(target) = self.root.pointer(pointer)
        {
            self.in_place(target, depth + 1)?;
        }
        for keyword in ["allOf", "anyOf", "oneOf"] {
            for branch in schema
                .get(keyword)
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
            {
                self.in_place(branch, depth + 1)?;
            }
        }
        for keyword in ["not", "if", "then", "else"] {
            if let Some(branch) = schema.get(keyword) {
                self.in_place(branch, depth + 1)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn code(schema: Value, arguments: Value) -> Option<String> {
        trouble(&schema, &arguments).map(|refusal| refusal.code)
    }

    #[test]
    fn what_fits_is_let_through() {
        let schema =
            json!({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]});
        assert_eq!(code(schema, json!({"n": 1})), None);
    }

    #[test]
    fn what_does_not_fit_is_named_without_being_repeated() {
        let schema = json!({
            "type": "object", "additionalProperties": false, "required": ["n"],
            "properties": {"n": {"type": "integer"}, "mode": {"enum": ["a", "b"]}, "id": {"pattern": "^\\d+$"}},
        });
        let refusal = trouble(
            &schema,
            &json!({"mode": "canary1", "id": "canary2", "canary3": 1}),
        )
        .unwrap();
        assert_eq!(refusal.code, "arguments.schema");
        assert!(
            !refusal.message.contains("canary")
                && !refusal.details.as_ref().unwrap().contains("canary"),
            "{}",
            refusal.message
        );
        for part in [
            "\"n\" is a required property",
            "/arguments/mode",
            "\"a\"",
            "/arguments/id",
            "only members that the schema names",
        ] {
            assert!(
                refusal.message.contains(part),
                "{part} in {}",
                refusal.message
            );
        }
    }

    #[test]
    fn a_schema_that_leads_out_or_is_none_refuses() {
        for schema in [
            json!({"$ref": "https://example.com/s"}),
            json!({"$ref": "file:///etc/passwd"}),
            json!({"type": 5}),
            json!({"pattern": "("}),
        ] {
            assert_eq!(
                code(schema.clone(), json!({})).as_deref(),
                Some("arguments.unusable-schema"),
                "{schema}"
            );
        }
    }

    #[test]
    fn a_schema_that_doubles_with_each_step_refuses() {
        let mut definitions = serde_json::Map::new();
        for n in 0..30 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            definitions.insert(format!("d{n}"), json!({"allOf": [next, next]}));
        }
        definitions.insert("d30".into(), json!(true));
        assert_eq!(
            code(
                json!({"$ref": "#/$defs/d0", "$defs": definitions}),
                json!({})
            )
            .as_deref(),
            Some("arguments.unusable-schema")
        );
        assert_eq!(
            code(json!({"$ref": "#"}), json!({})).as_deref(),
            Some("arguments.unusable-schema")
        );
    }

    #[test]
    fn a_tree_of_trees_is_no_doubling() {
        let schema = json!({"type": "object", "properties": {"child": {"$ref": "#"}}});
        assert_eq!(code(schema.clone(), json!({"child": {"child": {}}})), None);
        assert_eq!(
            code(schema, json!({"child": {"child": 1}})).as_deref(),
            Some("arguments.schema")
        );
    }

    #[test]
    fn a_pattern_that_runs_away_is_stopped() {
        let schema = json!({"properties": {"x": {"pattern": "^(?=(a+)+$)(a|aa)+\\1$"}}});
        let refused = code(schema, json!({"x": format!("{}b", "a".repeat(2000))}));
        assert_eq!(refused.as_deref(), Some("arguments.schema"));
    }
}
