//! Roles: what an argument is for.

use crate::strings::Place;

/// The role of an argument. It decides which checks a value goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A file or a folder.
    Path,
    /// A whole command, or its arguments. The tool exists to run it.
    Command,
    /// A URL.
    Url,
    /// Text for people or models, including code and queries. It may contain anything.
    Text,
    /// Everything else: a name, an id, a choice.
    Plain,
}

impl Role {
    /// The name as in the settings.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Path => "path",
            Self::Command => "command",
            Self::Url => "url",
            Self::Text => "text",
            Self::Plain => "plain",
        }
    }
}

const TEXT: [&str; 40] = [
    "text",
    "texts",
    "content",
    "contents",
    "body",
    "message",
    "messages",
    "description",
    "comment",
    "comments",
    "note",
    "notes",
    "prompt",
    "question",
    "answer",
    "summary",
    "title",
    "subject",
    "code",
    "html",
    "markdown",
    "md",
    "sql",
    "query",
    "script",
    "snippet",
    "instructions",
    "reason",
    "details",
    "explanation",
    "thought",
    "thinking",
    "expression",
    "formula",
    "function",
    "pattern",
    "regex",
    "template",
    "reply",
    "search",
];
const PATH: [&str; 20] = [
    "path",
    "paths",
    "file",
    "files",
    "filename",
    "filenames",
    "filepath",
    "dir",
    "dirs",
    "directory",
    "directories",
    "folder",
    "folders",
    "cwd",
    "workdir",
    "dest",
    "destination",
    "pathname",
    "dirname",
    "attachment",
];
const COMMAND: [&str; 9] = [
    "command",
    "commands",
    "cmd",
    "shell",
    "argv",
    "args",
    "exec",
    "bash",
    "powershell",
];
const URL: [&str; 9] = [
    "url", "urls", "uri", "uris", "href", "link", "endpoint", "webhook", "callback",
];

/// Guesses the role. The first of these decides: a name that says `path`, a `format` of a URL, any other name, the
/// description.
pub(crate) fn guess(place: &Place) -> Role {
    let named = by_name(place.name);
    if named == Some(Role::Path) {
        return Role::Path;
    }
    if matches!(
        place.format,
        Some("uri" | "uri-reference" | "iri" | "iri-reference" | "url")
    ) {
        return Role::Url;
    }
    named
        .or_else(|| by_description(place.description?))
        .unwrap_or(Role::Plain)
}

/// The role of the name's words. Where words have different roles, the order is path, URL, command, text.
fn by_name(name: &str) -> Option<Role> {
    const ORDER: [(Role, &[&str]); 4] = [
        (Role::Path, &PATH),
        (Role::Url, &URL),
        (Role::Command, &COMMAND),
        (Role::Text, &TEXT),
    ];
    let mut found = ORDER.len();
    each_word(name, &mut |word| {
        let stands_for =
            |(_, names): &(Role, &[&str])| names.iter().any(|name| word.eq_ignore_ascii_case(name));
        found = ORDER[..found].iter().position(stands_for).unwrap_or(found);
    });
    ORDER.get(found).map(|(role, _)| *role)
}

/// Calls `see` with each word of a `camelCase` or `snake_case` name.
fn each_word(name: &str, see: &mut dyn FnMut(&str)) {
    let mut start = 0;
    let mut before = ' ';
    let mut see = |word: &str| {
        // Some characters beyond ASCII have ASCII small letters, for example the Kelvin sign.
        if word.is_ascii() {
            see(word);
        } else {
            see(&word.to_lowercase());
        }
    };
    for (at, character) in name.char_indices() {
        let is_part = character.is_alphanumeric();
        if !is_part || (character.is_uppercase() && before.is_lowercase()) {
            see(&name[start..at]);
            start = if is_part {
                at
            } else {
                at + character.len_utf8()
            };
        }
        before = character;
    }
    see(&name[start..]);
}

/// The role that a phrase of the description indicates. `path` takes precedence.
fn by_description(description: &str) -> Option<Role> {
    const PHRASES: [(Role, &str); 11] = [
        (Role::Path, "file path"),
        (Role::Path, "filepath"),
        (Role::Path, "path to"),
        (Role::Path, "path of"),
        (Role::Path, "file name"),
        (Role::Path, "filename"),
        (Role::Path, "directory"),
        (Role::Path, "folder"),
        (Role::Command, "command to"),
        (Role::Command, "shell command"),
        (Role::Command, "command line"),
    ];
    let bytes = description.as_bytes();
    let mut found = None;
    for (at, byte) in bytes.iter().enumerate() {
        if !matches!(byte | 0x20, b'f' | b'p' | b'd' | b'c' | b's') {
            continue;
        }
        for (role, phrase) in PHRASES {
            let here = bytes.get(at..at + phrase.len());
            if here.is_some_and(|here| here.eq_ignore_ascii_case(phrase.as_bytes())) {
                if role == Role::Path {
                    return Some(role);
                }
                found = Some(role);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> Role {
        guess(&Place {
            pointer: "",
            name,
            format: None,
            description: None,
        })
    }

    #[test]
    fn names_tell_what_a_value_is_for() {
        for (name, role) in [
            ("path", Role::Path),
            ("filePath", Role::Path),
            ("output_dir", Role::Path),
            ("file_content", Role::Path),
            ("repoUrl", Role::Url),
            ("command", Role::Command),
            ("messageBody", Role::Text),
            ("branch", Role::Plain),
            ("pathology", Role::Plain),
            ("url_of_file", Role::Path),
            ("queryURL", Role::Url),
            ("file2Path", Role::Plain),
            ("HTMLBody", Role::Plain),
            ("LIN\u{212a}", Role::Url),
            ("größeCmd", Role::Command),
            ("__dir__", Role::Path),
            ("", Role::Plain),
        ] {
            assert_eq!(of(name), role, "{name}");
        }
    }

    #[test]
    fn the_schema_tells_where_the_name_does_not() {
        let place = |format, description| {
            guess(&Place {
                pointer: "",
                name: "x",
                format,
                description,
            })
        };
        assert_eq!(place(Some("uri"), None), Role::Url);
        assert_eq!(place(None, Some("Path to the report")), Role::Path);
        assert_eq!(place(None, Some("The customer's id")), Role::Plain);
        assert_eq!(place(None, Some("A Shell Command")), Role::Command);
        assert_eq!(
            place(None, Some("Command to run in the FOLDER")),
            Role::Path
        );
    }
}
