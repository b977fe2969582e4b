//! What an argument is for.

use crate::strings::Place;

/// Decides which checks a value goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// A file or folder.
    Path,
    /// A whole command, or its arguments: to run it is what the tool is for.
    Command,
    /// An address.
    Url,
    /// What people or models read, code and queries among it: anything may stand in it.
    Text,
    /// A name, an id, a choice; the rest.
    Plain,
}

impl Role {
    /// As in the settings.
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

/// From the name, then the schema's format, then its description.
pub(crate) fn guess(place: &Place) -> Role {
    let words = words(place.name);
    let named = |names: &[&str]| words.iter().any(|word| names.contains(&word.as_str()));
    if named(&PATH) {
        return Role::Path;
    }
    if named(&URL)
        || matches!(
            place.format,
            Some("uri" | "uri-reference" | "iri" | "iri-reference" | "url")
        )
    {
        return Role::Url;
    }
    if named(&COMMAND) {
        return Role::Command;
    }
    if named(&TEXT) {
        return Role::Text;
    }
    let description = place.description.unwrap_or_default().to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| description.contains(word));
    if says(&[
        "file path",
        "filepath",
        "path to",
        "path of",
        "file name",
        "filename",
        "directory",
        "folder",
    ]) {
        Role::Path
    } else if says(&["command to", "shell command", "command line"]) {
        Role::Command
    } else {
        Role::Plain
    }
}

/// `camelCase` and `snake_case` taken apart, in small letters.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for character in name.chars() {
        if !character.is_alphanumeric() || (character.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| character.is_alphanumeric()) {
            word.extend(character.to_lowercase());
        }
        before = character;
    }
    words
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
    }
}
