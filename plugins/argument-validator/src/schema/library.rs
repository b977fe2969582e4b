//! Judges by the `jsonschema` library, which compiles the whole schema. The work is bounded, because the schema comes
//! from the server and the server is not trusted.

use std::collections::HashMap;

use jsonschema::error::ValidationErrorKind;
use jsonschema::{PatternOptions, ValidationError};
use percent_encoding::percent_decode_str;
use sandgate_sdk::{Explanation, Refusal, because, refuse};
use schema_interpreter::{DEPTH, STEPS};
use serde_json::{Value, json};

/// Most violations that a refusal names.
const NAMED: usize = 5;
/// Largest compiled pattern, in bytes.
const PATTERN: usize = 1 << 20;
/// Most backtracking steps of a pattern.
const BACKTRACKS: usize = 20_000;

/// The refusal where the arguments do not fit the schema, or where the schema itself cannot be used.
pub(super) fn trouble(schema: &Value, arguments: &Value) -> Option<Refusal> {
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
    // The library is built without resolvers, so a reference to another document is an error here.
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

/// What the schema expects. The text contains neither the value nor the names of unknown members.
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

/// What follows the last slash of an `$id`: identifiers that a reference may mean have it in common, whatever they are
/// relative to.
fn last_part(id: &str) -> &str {
    let id = id.strip_suffix('#').unwrap_or(id);
    id.rsplit_once('/').map_or(id, |(_, last)| last)
}

/// Bounds the work that a schema can cause.
struct Cost<'s> {
    root: &'s Value,
    /// The schemas that have a name of their own, by what a reference to them says: `#anchor`, or the last part of an
    /// `$id`.
    named: HashMap<String, &'s Value>,
    steps: usize,
}

impl<'s> Cost<'s> {
    fn of(root: &'s Value) -> Result<(), &'static str> {
        let mut cost = Self {
            root,
            named: HashMap::new(),
            steps: 0,
        };
        cost.name(root, 0)?;
        cost.nested(root, 0)
    }

    /// Collects the names of all schemas in the document.
    fn name(&mut self, schema: &'s Value, depth: usize) -> Result<(), &'static str> {
        if depth > DEPTH {
            return Err("it is nested too deep");
        }
        match schema {
            Value::Object(members) => {
                for keyword in ["$anchor", "$dynamicAnchor"] {
                    if let Some(name) = members.get(keyword).and_then(Value::as_str) {
                        self.named.insert(format!("#{name}"), schema);
                    }
                }
                if let Some(id) = members.get("$id").and_then(Value::as_str) {
                    self.named.insert(last_part(id).to_owned(), schema);
                }
                members
                    .values()
                    .try_for_each(|member| self.name(member, depth + 1))
            }
            Value::Array(elements) => elements
                .iter()
                .try_for_each(|element| self.name(element, depth + 1)),
            _ => Ok(()),
        }
    }

    /// The schema that a reference leads to. `None` for a reference that leads out of the document, which the library
    /// refuses.
    fn target(&self, reference: &str) -> Option<&'s Value> {
        let (base, fragment) = reference.split_once('#').unwrap_or((reference, ""));
        let base = match base {
            "" => self.root,
            base => self.named.get(last_part(base))?,
        };
        let fragment = percent_decode_str(fragment).decode_utf8().ok()?;
        match fragment.is_empty() || fragment.starts_with('/') {
            true => base.pointer(&fragment),
            false => self.named.get(&format!("#{fragment}")).copied(),
        }
    }

    /// Counts from every value of the schema document, because any of them may be a schema.
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

    /// Counts the schemas that judge the same value.
    fn in_place(&mut self, schema: &'s Value, depth: usize) -> Result<(), &'static str> {
        let Value::Object(schema) = schema else {
            return Ok(());
        };
        self.steps += 1;
        if self.steps > STEPS || depth > DEPTH {
            return Err("it is too complex");
        }
        for keyword in ["$ref", "$dynamicRef"] {
            let reference = schema.get(keyword).and_then(Value::as_str);
            if let Some(target) = reference.and_then(|reference| self.target(reference)) {
                self.in_place(target, depth + 1)?;
            }
        }
        for keyword in ["dependentSchemas", "dependencies"] {
            let branches = schema.get(keyword).and_then(Value::as_object);
            for branch in branches.into_iter().flat_map(serde_json::Map::values) {
                self.in_place(branch, depth + 1)?;
            }
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
