//! Walks the strings of the arguments, each with its place and with what the schema says about it.

use std::fmt::Write as _;

use sandgate_sdk::pointer::escape;
use schema_interpreter::{Kind, Value};

/// The place of a string.
pub(crate) struct Place<'a> {
    /// A JSON Pointer into the arguments.
    pub(crate) pointer: &'a str,
    /// The name of the member. For an element of a list: the name of the member that holds the list.
    pub(crate) name: &'a str,
    /// `format` and `description` of the string's own schema. References and branches are not followed.
    pub(crate) format: Option<&'a str>,
    pub(crate) description: Option<&'a str>,
    /// Whether the schema has a `pattern` for the string.
    pub(crate) has_pattern: bool,
}

/// What is seen: a string, or the name of a member that the schema does not have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Value,
    Name,
}

impl Place<'_> {
    /// The pointer into the params of the call.
    pub(crate) fn whole(&self) -> String {
        format!("/arguments{}", self.pointer)
    }

    /// Whether the operator names this argument: by its name or its pointer.
    pub(crate) fn is(&self, argument: &str) -> bool {
        argument == self.pointer || argument == self.name
    }

    /// The argument as the setting `roles` names it. An element of a list is named by the list's member, because the
    /// next call may have more elements.
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

/// Calls `see` with every string for which `is_worth` holds, and with such names. `None` from `see` ends the walk. The
/// schema is searched only for these. A string that the schema chooses from a list is left out where `is_held`: a string
/// that is none of the list is refused already.
pub(crate) fn each(
    arguments: Value,
    schema: Option<Value>,
    is_held: bool,
    is_worth: fn(&str) -> bool,
    see: &mut dyn FnMut(&Place, Part, &str) -> Option<()>,
) {
    let mut walk = Walk {
        pointer: String::new(),
        is_held,
        is_worth,
        see,
    };
    walk.value(arguments, schema, "");
}

struct Walk<'w> {
    pointer: String,
    is_held: bool,
    is_worth: fn(&str) -> bool,
    see: &'w mut dyn FnMut(&Place, Part, &str) -> Option<()>,
}

impl Walk<'_> {
    fn value(&mut self, value: Value, schema: Option<Value>, name: &str) -> Option<()> {
        match value.kind() {
            Kind::String => self.string(value, schema, name),
            Kind::Array => {
                let schema = schema.and_then(|schema| schema.get("items"));
                let length = self.pointer.len();
                for (index, element) in value.elements().enumerate() {
                    // Writing to a string cannot fail.
                    let _ = write!(self.pointer, "/{index}");
                    self.value(element, schema, name)?;
                    self.pointer.truncate(length);
                }
                Some(())
            }
            Kind::Object => {
                let properties = schema.and_then(|schema| schema.get("properties"));
                for (member_name, member) in value.members() {
                    self.member(name, member_name, member, properties)?;
                }
                Some(())
            }
            _ => Some(()),
        }
    }

    fn member(
        &mut self,
        parent: &str,
        name: Value,
        member: Value,
        properties: Option<Value>,
    ) -> Option<()> {
        let length = self.pointer.len();
        let text = name.text();
        self.pointer.push('/');
        self.pointer += &escape(&text);
        let schema = properties.and_then(|properties| properties.get_as(name));
        if schema.is_none() && (self.is_worth)(&text) {
            let place = Place {
                pointer: &self.pointer,
                name: parent,
                format: None,
                description: None,
                has_pattern: false,
            };
            (self.see)(&place, Part::Name, &text)?;
        }
        self.value(member, schema, &text)?;
        self.pointer.truncate(length);
        Some(())
    }

    fn string(&mut self, value: Value, schema: Option<Value>, name: &str) -> Option<()> {
        let text = value.text();
        if !(self.is_worth)(&text) {
            return Some(());
        }
        if self.is_held && schema.is_some_and(|schema| schema.get("enum").is_some()) {
            return Some(());
        }
        let says = |keyword| schema?.get(keyword)?.as_text();
        let (format, description) = (says("format"), says("description"));
        let place = Place {
            pointer: &self.pointer,
            name,
            format: format.as_deref(),
            description: description.as_deref(),
            has_pattern: schema.is_some_and(|schema| schema.get("pattern").is_some()),
        };
        (self.see)(&place, Part::Value, &text)
    }
}
