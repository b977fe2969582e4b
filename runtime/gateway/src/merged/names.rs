//! Names on the merged endpoint: always `SERVER__NAME`, so that adding a server never renames a tool.

use sandgate_message::{Edit, Json, Limits, Node, apply};

const PARTING: &str = "__";

/// The client's name for a server's tool or prompt.
pub(super) fn join(server: &str, name: &str) -> String {
    format!("{server}{PARTING}{name}")
}

/// Splits a client's name into the server and the server's own name. Server names contain no `__`.
pub(crate) fn split(name: &str) -> Option<(&str, &str)> {
    name.split_once(PARTING)
}

/// A definition under the client's name; `None` if it has no name.
pub(super) fn renamed(definition: Node<'_>, server: &str, limits: &Limits) -> Option<Json> {
    let name = definition.get("name")?.string()?;
    set(&definition.to_json(), "/name", &join(server, &name), limits)
}

/// The document with the string at `pointer` replaced.
pub(super) fn set(document: &Json, pointer: &str, text: &str, limits: &Limits) -> Option<Json> {
    let edit = Edit::Set(pointer.into(), Json::string(text).as_str().into());
    apply(document, &[edit], limits).ok()
}

/// Whether a URI may be an expansion of a template (RFC 6570): the template's literal parts occur in the URI in order,
/// the first at its beginning and the last at its end.
pub(super) fn fits(template: &str, uri: &str) -> bool {
    let mut literals = template.split('{').enumerate().map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('}').map_or("", |(_, literal)| literal),
    });
    let first = literals.next().unwrap_or_default();
    let Some(mut rest) = uri.strip_prefix(first) else {
        return false;
    };
    let mut literals = literals.peekable();
    if literals.peek().is_none() {
        return rest.is_empty();
    }
    while let Some(literal) = literals.next() {
        if literals.peek().is_none() {
            return rest.ends_with(literal);
        }
        match rest.find(literal) {
            Some(at) => rest = &rest[at + literal.len()..],
            None => return false,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_name_is_read_back_from_its_prefix() {
        assert_eq!(split(&join("crm", "find__all")), Some(("crm", "find__all")));
        assert_eq!(split("plain"), None);
    }

    #[test]
    fn a_definition_is_renamed_and_all_else_stays() {
        let text = r#"{ "description":"d",  "name" : "find", "x":1.0 }"#;
        let document = Json::parse(text.as_bytes().to_vec(), &Limits::default()).unwrap();
        let renamed = renamed(document.root(), "crm", &Limits::default()).unwrap();
        assert_eq!(
            renamed.as_str(),
            r#"{ "description":"d",  "name" : "crm__find", "x":1.0 }"#
        );
    }

    #[test]
    fn a_uri_fits_the_template_it_came_from() {
        assert!(fits("file:///{path}", "file:///a/b"));
        assert!(fits("db://{table}/rows/{id}", "db://t/rows/7"));
        assert!(fits("plain://x", "plain://x"));
        assert!(!fits("plain://x", "plain://xy"));
        assert!(!fits("db://{table}/rows/{id}.json", "db://t/rows/7"));
        assert!(!fits("file:///{path}", "http://a"));
    }
}
