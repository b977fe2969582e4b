//! Roles: what an argument is for.

mod names;

use crate::strings::Place;

/// The role of an argument. It decides which checks a value goes through, and how strictly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A file or a folder.
    Path,
    /// A whole command, or its arguments. The tool exists to run it.
    Command,
    /// A URL.
    Url,
    /// A whole statement or condition for a database or a search: SQL, MongoDB, GraphQL, JQL.
    Query,
    /// HTML.
    Html,
    /// XML.
    Xml,
    /// A template of a template engine.
    Template,
    /// The name or the value of a header.
    Header,
    /// A filter or a name of a directory service.
    Ldap,
    /// A regular expression or a glob.
    Regex,
    /// What stands for a thing: an id, a key, a slug.
    Identifier,
    /// Words for people or models, of which few are code: a title, a message, a search. Only a value that is nothing but
    /// an attack is found.
    Prose,
    /// A document or code. It may contain anything and is not judged.
    Text,
    /// Everything else: a name, a choice.
    Plain,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 14] = [
        Self::Path,
        Self::Command,
        Self::Url,
        Self::Query,
        Self::Html,
        Self::Xml,
        Self::Template,
        Self::Header,
        Self::Ldap,
        Self::Regex,
        Self::Identifier,
        Self::Prose,
        Self::Text,
        Self::Plain,
    ];

    /// The name as in the settings.
    pub fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Command => "command",
            Self::Url => "url",
            Self::Query => "query",
            Self::Html => "html",
            Self::Xml => "xml",
            Self::Template => "template",
            Self::Header => "header",
            Self::Ldap => "ldap",
            Self::Regex => "regex",
            Self::Identifier => "identifier",
            Self::Prose => "prose",
            Self::Text => "text",
            Self::Plain => "plain",
        }
    }
}

/// The longest value of a guessed role that is judged as something short. A longer one is a document.
const SHORT: usize = 2_000;

/// Guesses the role. The first of these decides: the name, where it says `path`; a `format`; any other name; the
/// description; a `pattern`, which binds the value as an identifier does.
pub(crate) fn guess(place: &Place, value: &str) -> Role {
    let named = by_name(place.name);
    if named == Some(Role::Path) {
        return Role::Path;
    }
    let role = by_format(place.format)
        .or(named)
        .or_else(|| by_description(place.description?))
        .or_else(|| inherited(place.pointer))
        .unwrap_or(match place.has_pattern {
            true => Role::Identifier,
            false => Role::Plain,
        });
    let is_of_words = matches!(role, Role::Plain | Role::Prose | Role::Identifier);
    match is_of_words && is_document(role, value) {
        true => Role::Text,
        false => role,
    }
}

/// The guess for what stands in a JSON document that is written as a string. Whoever writes the string names its
/// members, so that no name opens a place for code or keeps a value from being judged.
pub(crate) fn guess_within(place: &Place, value: &str) -> Role {
    match guess(place, value) {
        Role::Text
        | Role::Regex
        | Role::Query
        | Role::Command
        | Role::Html
        | Role::Xml
        | Role::Template => Role::Prose,
        role => role,
    }
}

/// Whether one of the members on the way to the place holds queries or documents.
pub(crate) fn is_within_a_query(pointer: &str) -> bool {
    let mut names = pointer.split('/');
    // The last one is the member itself.
    names.next_back();
    names.any(|name| matches!(by_name(name), Some(Role::Query | Role::Text)))
}

/// The role of the nearest member around the place that gives its role to what it holds. A list of files holds more than
/// paths, but what is in headers is a header.
fn inherited(pointer: &str) -> Option<Role> {
    let mut names = pointer.rsplit('/');
    names.next();
    match names.find_map(by_name)? {
        // What a list of files holds by name is their content.
        Role::Path => Some(Role::Text),
        role @ (Role::Text | Role::Query | Role::Header | Role::Template | Role::Prose) => {
            Some(role)
        }
        _ => None,
    }
}

/// Whether the value is long, or has many lines that are not blank. What stands for a thing has no lines.
fn is_document(role: Role, value: &str) -> bool {
    let is_long = value.len() > SHORT && value.contains(' ');
    let lines = || value.lines().filter(|line| !line.trim().is_empty());
    is_long || role != Role::Identifier && lines().nth(4).is_some()
}

fn by_format(format: Option<&str>) -> Option<Role> {
    match format? {
        "uri" | "uri-reference" | "iri" | "iri-reference" | "url" => Some(Role::Url),
        "path" | "file-path" | "directory-path" | "file" => Some(Role::Path),
        "regex" => Some(Role::Regex),
        "uuid" | "email" | "hostname" | "ipv4" | "ipv6" => Some(Role::Identifier),
        "html" => Some(Role::Html),
        "markdown" => Some(Role::Text),
        "sql" => Some(Role::Query),
        _ => None,
    }
}

/// The role of the name's words. The last word that has one decides, because it says what the others describe: a
/// `file_path` is a path and a `file_content` is content. In `path_of_x` it is the word before `of`.
fn by_name(name: &str) -> Option<Role> {
    let mut found = None;
    let mut is_over = false;
    let mut before: Option<(usize, usize)> = None;
    each_word(name, &mut |start, end| {
        let word = &name[start..end];
        if is_over || word.is_empty() {
            return;
        }
        if word.eq_ignore_ascii_case("of") && found.is_some() {
            is_over = true;
            return;
        }
        let together = before.and_then(|(start, last)| {
            let mut both = [0; 32];
            both_words(&name[start..last], word, &mut both).and_then(names::pair)
        });
        let role = together.or_else(|| names::role(word));
        found = role.or(found);
        before = Some((start, end));
    });
    found
}

/// The two words, in small letters, with a space between them.
fn both_words<'b>(first: &str, second: &str, into: &'b mut [u8; 32]) -> Option<&'b str> {
    let length = first.len() + second.len() + 1;
    let place = into.get_mut(..length)?;
    place[..first.len()].copy_from_slice(first.as_bytes());
    place[first.len()] = b' ';
    place[first.len() + 1..].copy_from_slice(second.as_bytes());
    place.make_ascii_lowercase();
    std::str::from_utf8(place).ok()
}

/// Calls `see` with the place of each word of a `camelCase` or `snake_case` name.
fn each_word(name: &str, see: &mut dyn FnMut(usize, usize)) {
    let mut start = 0;
    let mut before = ' ';
    for (at, character) in name.char_indices() {
        let is_part = character.is_alphanumeric();
        if !is_part || (character.is_uppercase() && before.is_lowercase()) {
            see(start, at);
            start = if is_part {
                at
            } else {
                at + character.len_utf8()
            };
        }
        before = character;
    }
    see(start, name.len());
}

/// The role that a phrase of the description indicates. The first phrase of the list that occurs takes precedence.
fn by_description(description: &str) -> Option<Role> {
    let bytes = description.as_bytes();
    let mut found = names::PHRASES.len();
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 && bytes[at - 1].is_ascii_alphanumeric() || !names::begins_a_phrase(*byte) {
            continue;
        }
        let here = |(_, phrase): &(Role, &str)| {
            let here = bytes.get(at..at + phrase.len());
            here.is_some_and(|here| here.eq_ignore_ascii_case(phrase.as_bytes()))
        };
        found = names::PHRASES[..found]
            .iter()
            .position(here)
            .unwrap_or(found);
    }
    names::PHRASES.get(found).map(|(role, _)| *role)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place<'p>(
        name: &'p str,
        format: Option<&'p str>,
        description: Option<&'p str>,
    ) -> Place<'p> {
        Place {
            pointer: "",
            name,
            format,
            description,
            has_pattern: false,
        }
    }

    #[test]
    fn names_tell_what_a_value_is_for() {
        for (name, role) in [
            ("path", Role::Path),
            ("filePath", Role::Path),
            ("output_dir", Role::Path),
            ("file_content", Role::Text),
            ("newText", Role::Text),
            ("repoUrl", Role::Url),
            ("command", Role::Command),
            ("messageBody", Role::Text),
            ("commit_message", Role::Prose),
            ("branch", Role::Plain),
            ("pathology", Role::Plain),
            ("url_of_file", Role::Url),
            ("queryURL", Role::Url),
            ("sql_query", Role::Query),
            ("user_id", Role::Identifier),
            ("file2Path", Role::Plain),
            ("HTMLBody", Role::Plain),
            ("größeCmd", Role::Command),
            ("__dir__", Role::Path),
            ("", Role::Plain),
        ] {
            assert_eq!(guess(&place(name, None, None), "x"), role, "{name}");
        }
    }

    #[test]
    fn the_schema_tells_where_the_name_does_not() {
        let of = |format, description| guess(&place("x", format, description), "x");
        assert_eq!(of(Some("uri"), None), Role::Url);
        assert_eq!(of(None, Some("Path to the report")), Role::Path);
        assert_eq!(of(None, Some("The customer's id")), Role::Plain);
        assert_eq!(of(None, Some("A Shell Command")), Role::Command);
        assert_eq!(
            of(None, Some("Command to run in the FOLDER")),
            Role::Command
        );
        assert_eq!(of(None, Some("The SQL statement to run")), Role::Query);
    }

    #[test]
    fn a_long_text_is_a_document_whatever_its_name() {
        let long = "a b ".repeat(1_000);
        assert_eq!(guess(&place("value", None, None), &long), Role::Text);
        assert_eq!(
            guess(&place("value", None, None), "a\nb\nc\nd\ne"),
            Role::Text
        );
        for lines in ["a\n\n\n\n\n", "a\r\n\r\n \r\n\r\nb"] {
            assert_eq!(guess(&place("value", None, None), lines), Role::Plain);
        }
        assert_eq!(
            guess(&place("id", None, None), "a\nb\nc\nd\ne"),
            Role::Identifier
        );
        assert_eq!(guess(&place("path", None, None), &long), Role::Path);
    }
}
