//! Checks a file against the configuration's JSON Schema, the same that is printed. The check goes on after an error,
//! so that one run reports all errors.

use sandgate_message::pointer::push;
use sandgate_text::{listed, suggest};
use serde_json::{Map, Value};

use super::issue::Issue;
use super::known_scalars::{self, Known};
use super::scalar::Mistake;
use super::source::Source;
use super::tree::{Entry, Node, Table};
use super::wording::{TRUTH, kind, kind_of, named};

/// Reports every place where the file, called `subject`, does not match the schema.
pub fn validate(source: &Source, schema: &Value, subject: &'static str, issues: &mut Vec<Issue>) {
    let mut validator = Validator {
        source,
        subject,
        definitions: &schema["$defs"],
        issues,
        pointer: String::new(),
        around: Vec::new(),
    };
    validator.table(schema, source.tree(), None);
}

struct Validator<'a> {
    source: &'a Source,
    /// The name of the whole file in messages.
    subject: &'static str,
    definitions: &'a Value,
    issues: &'a mut Vec<Issue>,
    pointer: String,
    /// The schemas of the enclosing tables, outermost first, with their places.
    around: Vec<(&'a Value, String)>,
}

impl<'a> Validator<'a> {
    fn value(&mut self, schema: &'a Value, value: &'a Entry) {
        let mut schema = schema;
        while let Some(name) = schema["$ref"]
            .as_str()
            .and_then(|path| path.strip_prefix("#/$defs/"))
        {
            if let Some(scalar) = known_scalars::known(name) {
                return self.scalar(&scalar, value);
            }
            match name {
                "Given" => return self.given(value),
                "Contain" => return self.contain(value),
                "Egress" => return self.egress(value),
                "Settings" => return self.settings(value),
                _ => schema = &self.definitions[name],
            }
        }
        let choices = choices(schema);
        if !choices.is_empty() {
            return self.choice(&choices, value);
        }
        match (schema["type"].as_str(), &value.node) {
            (Some("object"), Node::Table(table)) => self.table(schema, table, Some(value)),
            (Some("array"), Node::List(items)) => {
                for (index, item) in items.iter().enumerate() {
                    self.within(&index.to_string(), |validator| {
                        validator.value(&schema["items"], item)
                    });
                }
            }
            (Some("string"), Node::Text(text)) => self.text(schema, text, value),
            (Some("integer"), Node::Integer(_)) => self.integer(schema, value),
            (Some("boolean"), Node::Truth(_)) => {}
            (Some(kind), _) => self.wrong(kind_of(kind, schema), value),
            (None, _) => {}
        }
    }

    fn table(&mut self, schema: &'a Value, table: &'a Table, value: Option<&'a Entry>) {
        static NONE: std::sync::LazyLock<Map<String, Value>> = std::sync::LazyLock::new(Map::new);
        let properties = schema["properties"].as_object().unwrap_or(&NONE);
        self.around.push((schema, self.pointer.clone()));
        for (key, member) in table {
            let name = key.name.as_str();
            let inner = match properties.get(name) {
                Some(inner) => inner,
                None if schema["additionalProperties"].is_object() => {
                    &schema["additionalProperties"]
                }
                None => {
                    let issue = self.unknown(name, properties, value);
                    self.issues.push(Issue {
                        span: Some(key.span.clone()),
                        ..issue
                    });
                    continue;
                }
            };
            self.within(name, |validator| validator.value(inner, member));
        }
        self.around.pop();
        for name in schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
        {
            if table.get(name).is_none() {
                let takes = properties
                    .get(name)
                    .and_then(|p| self.kind(p))
                    .map_or(String::new(), |kind| format!("; it takes {kind}"));
                let issue = Issue::error(
                    value.map(|value| value.span.clone()),
                    format!("{} has no `{name}`", self.place()),
                );
                self.issues.push(issue.help(format!("add `{name}`{takes}")));
            }
        }
    }

    fn unknown(&self, name: &str, properties: &Map<String, Value>, table: Option<&Entry>) -> Issue {
        let issue = Issue::error(None, format!("{} has no key `{name}`", self.place()));
        let outer = self
            .around
            .iter()
            .rev()
            .skip(1)
            .find(|(schema, _)| schema["properties"].get(name).is_some());
        if let (Some((_, place)), Some(header)) =
            (outer, table.filter(|table| self.source.has_header(table)))
        {
            let header = &self.source.text()[header.span.clone()];
            return issue.help(format!(
                "`{name}` belongs to {}; TOML puts every key after the header `{header}` into that table, so move it \
                 above that header",
                named(place)
            ));
        }
        issue.help(suggest(name, properties.keys().map(String::as_str)))
    }

    fn scalar(&mut self, scalar: &Known, value: &Entry) {
        let Node::Text(text) = &value.node else {
            // The bare value is checked as well, so that nobody is told to quote what would also be wrong in quotes.
            let bare = self
                .source
                .text()
                .get(value.span.clone())
                .unwrap_or_default();
            self.wrong(scalar.kind.to_owned(), value);
            if let (Err(mistake), Some(last)) = ((scalar.check)(bare), self.issues.last_mut()) {
                last.help = Some(mistake.help.into_owned());
            }
            return;
        };
        if let Err(mistake) = (scalar.check)(text) {
            self.mistake(mistake, value);
        }
    }

    fn mistake(&mut self, mistake: Mistake, value: &Entry) {
        let issue = Issue::error(
            Some(value.span.clone()),
            format!("{} {}", self.place(), mistake.why),
        );
        self.issues.push(issue.help(mistake.help));
    }

    fn choice(&mut self, choices: &[&str], value: &Entry) {
        let all = listed(choices.iter().map(|c| format!("\"{c}\"")), "or");
        let Node::Text(text) = &value.node else {
            return self.wrong(all, value);
        };
        if !choices.contains(&text.as_str()) {
            let issue = Issue::error(
                Some(value.span.clone()),
                format!("{} cannot be \"{text}\"", self.place()),
            );
            self.issues.push(issue.help(format!("write {all}")));
        }
    }

    fn text(&mut self, schema: &Value, text: &str, value: &Entry) {
        let length = text.chars().count() as u64;
        let (least, most) = (
            schema["minLength"].as_u64().unwrap_or(0),
            schema["maxLength"].as_u64(),
        );
        if length < least {
            self.mistake(
                Mistake::new("is empty", "write a value, or leave the key out"),
                value,
            );
        } else if let Some(most) = most.filter(|most| length > *most) {
            let why = format!("is {length} characters long");
            self.mistake(Mistake::new(why, format!("write at most {most}")), value);
        } else if text.contains('\0') {
            self.mistake(Mistake::new("has a NUL character", "leave it out"), value);
        }
    }

    fn integer(&mut self, schema: &Value, value: &Entry) {
        let Node::Integer(number) = value.node else {
            return;
        };
        let bound = |key: &str| schema[key].as_i64();
        let (least, most) = (
            bound("minimum").unwrap_or(0),
            bound("maximum").unwrap_or(i64::MAX),
        );
        if number.is_none_or(|number| number < least || number > most) {
            self.mistake(
                Mistake::new(
                    "is out of range",
                    format!("write a number from {least} to {most}"),
                ),
                value,
            );
        }
    }

    /// Checks text, or a table that says where to fetch it.
    fn given(&mut self, value: &Entry) {
        match &value.node {
            Node::Text(text) if text.contains('\0') => {
                self.mistake(Mistake::new("has a NUL character", "leave it out"), value);
            }
            Node::Text(_) => {}
            Node::Table(table) if is_outside(table) => {}
            Node::Table(_) => {
                let why = "is a table, but not one that says where to fetch the value";
                self.mistake(Mistake::new(why, OUTSIDE), value);
            }
            other => {
                let issue = Issue::error(
                    Some(value.span.clone()),
                    format!("{} is {}; it takes text", self.place(), kind(other)),
                );
                self.issues
                    .push(issue.help(format!("put it in quotes, or {OUTSIDE}")));
            }
        }
    }

    /// Checks a switch, or a table of what differs from the default.
    fn contain(&mut self, value: &'a Entry) {
        match &value.node {
            Node::Truth(_) => {}
            Node::Table(table) => self.table(&self.definitions["Containment"], table, Some(value)),
            _ => self.wrong("true, false or a table".into(), value),
        }
    }

    /// Checks a list of hosts, or a table with one.
    fn egress(&mut self, value: &'a Entry) {
        match &value.node {
            Node::List(items) => {
                let hosts = &self.definitions["EgressTable"]["properties"]["allow"]["items"];
                for (index, item) in items.iter().enumerate() {
                    self.within(&index.to_string(), |validator| validator.value(hosts, item));
                }
            }
            Node::Table(table) => self.table(&self.definitions["EgressTable"], table, Some(value)),
            _ => self.wrong("a list of hosts or a table".into(), value),
        }
    }

    /// Checks settings. Their form is free, but plugins get JSON: no dates, no number that JSON lacks, and no
    /// incomplete reference to a secret.
    fn settings(&mut self, value: &'a Entry) {
        if value.table().is_some() {
            self.setting(value)
        } else {
            self.wrong("a table".into(), value)
        }
    }

    fn setting(&mut self, value: &'a Entry) {
        match &value.node {
            Node::Table(table)
                if table
                    .iter()
                    .any(|(key, _)| matches!(key.name.as_str(), "from-env" | "from-file")) =>
            {
                self.given(value);
            }
            Node::Table(table) => {
                for (key, member) in table {
                    self.within(&key.name, |validator| validator.setting(member));
                }
            }
            Node::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.within(&index.to_string(), |validator| validator.setting(item));
                }
            }
            Node::Date => {
                self.mistake(
                    Mistake::new(
                        "is a TOML date, which plugins cannot get",
                        "put it in quotes",
                    ),
                    value,
                );
            }
            Node::Float(number) if !number.is_finite() => {
                self.mistake(
                    Mistake::new("is not a finite number", "write a number, or leave it out"),
                    value,
                );
            }
            Node::Integer(None) => {
                self.mistake(
                    Mistake::new(
                        "does not fit into 64 bits",
                        "write a smaller number, or text",
                    ),
                    value,
                );
            }
            _ => {}
        }
    }

    fn wrong(&mut self, wanted: String, value: &Entry) {
        let issue = Issue::error(
            Some(value.span.clone()),
            format!(
                "{} is {}; it takes {wanted}",
                self.place(),
                kind(&value.node)
            ),
        );
        let help = match &value.node {
            Node::Table(_) if wanted.starts_with("a list") && self.source.has_header(value) => {
                let header = self.source.text()[value.span.clone()].trim_matches(['[', ']']);
                format!("write the header in double brackets, once for each: `[[{header}]]`")
            }
            _ if wanted.starts_with("a list") => "put it in brackets: `[ … ]`".to_owned(),
            Node::Integer(_) | Node::Float(_) | Node::Truth(_) | Node::Date
                if !wanted.starts_with("a table")
                    && !wanted.contains("number")
                    && wanted != TRUTH =>
            {
                "put it in quotes".to_owned()
            }
            Node::Text(_) if wanted.contains("number") || wanted == TRUTH => {
                "write it without quotes".to_owned()
            }
            Node::List(_) if wanted == "text" => "write one text, in quotes".to_owned(),
            _ => format!("write {wanted}"),
        };
        self.issues.push(issue.help(help));
    }

    /// The kind of value that a member takes, with an example.
    fn kind(&self, schema: &Value) -> Option<String> {
        match schema["$ref"]
            .as_str()
            .and_then(|path| path.strip_prefix("#/$defs/"))
        {
            Some(name) => known_scalars::known(name).map(|scalar| scalar.kind.to_owned()),
            None => Some(kind_of(schema["type"].as_str()?, schema)),
        }
    }

    fn within(&mut self, segment: &str, look: impl FnOnce(&mut Self)) {
        let length = self.pointer.len();
        push(&mut self.pointer, segment);
        look(self);
        self.pointer.truncate(length);
    }

    fn place(&self) -> String {
        if self.pointer.is_empty() {
            return self.subject.to_owned();
        }
        named(&self.pointer)
    }
}

const OUTSIDE: &str = "write { from-env = \"NAME\" } or { from-file = \"path\" }";

fn choices(schema: &Value) -> Vec<&str> {
    let constants = schema["oneOf"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|one| choices(one).into_iter());
    let listed = schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    schema["const"]
        .as_str()
        .into_iter()
        .chain(listed)
        .chain(constants)
        .collect()
}

fn is_outside(table: &Table) -> bool {
    let mut members = table.iter();
    let only = members.next().is_some_and(|(key, value)| {
        matches!(key.name.as_str(), "from-env" | "from-file")
            && value
                .text()
                .is_some_and(|text| !text.is_empty() && !text.contains('\0'))
    });
    only && members.next().is_none()
}
