//! The strings among the arguments, each with its place and what the schema says there.

use serde_json::Value;

/// Where a string stands.
pub(crate) struct Place<'a> {
    /// JSON Pointer into the arguments.
    pub(crate) pointer: &'a str,
    /// The name of the member, or of the list's that holds it.
    pub(crate) name: &'a str,
    /// The `format` and `description` that the schema gives, where it does so directly.
    pub(crate) format: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
}

impl Place<'_> {
    /// The pointer into the params.
    pub(crate) fn whole(&self) -> String {
        format!("/arguments{}", self.pointer)
    }

    /// As the setting `roles` names it: of an element of a list, the list's own name, since the next call may have more.
    pub(crate) fn argument(&self) -> &str {
        let last = self.pointer.rsplit('/').next().unwrap_or_default();
        let is_element =
            last != self.name && !last.is_empty() && last.bytes().all(|byte| byte.is_ascii_digit());
        if is_element && !self.name.is_empty() {
            self.name
        } else {
            self.pointer
        }
    }
}

/// Shows every string.
pub(crate) fn each(arguments: &Value, schema: Option<&Value>, see: &mut dyn FnMut(&Place, &str)) {
    walk(arguments, schema, &mut String::new(), "", see);
}

fn walk(
    value: &Value,
    schema: Option<&Value>,
    pointer: &mut String,
    name: &str,
    see: &mut dyn FnMut(&Place, &str),
) {
    let length = pointer.len();
    match value {
        Value::String(text) => {
            let says = |keyword| {
                schema
                    .and_then(|schema| schema.get(keyword))
                    .and_then(Value::as_str)
            };
            see(
                &Place {
                    pointer,
                    name,
                    format: says("format"),
                    description: says("description"),
                },
                text,
            );
        }
        Value::Array(elements) => {
            let schema = schema.and_then(|schema| schema.get("items"));
            for (index, element) in elements.iter().enumerate() {
                *pointer += &format!("/{index}");
                walk(element, schema, pointer, name, see);
                pointer.truncate(length);
            }
        }
        Value::Object(members) => {
            let properties = schema.and_then(|schema| schema.get("properties"));
            for (name, member) in members {
                *pointer += &format!("/{}", name.replace('~', "~0").replace('/', "~1"));
                walk(
                    member,
                    properties.and_then(|properties| properties.get(name)),
                    pointer,
                    name,
                    see,
                );
                pointer.truncate(length);
            }
        }
        _ => {}
    }
}
