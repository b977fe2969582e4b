//! Labels of a tool that the operator has not labelled: from its annotations, its name, and the first words of its
//! description.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::label::{Label, Labels};
use crate::name::Name;
use crate::vocabulary::{self, Verb};

/// A tool, as the order of calls sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tool {
    /// What it does.
    pub labels: Labels,
    /// A hash of the application that it belongs to: the server, and what stands before the verb of its name.
    pub application: u32,
}

/// The hints of a definition. `None`: not said.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Hints {
    read_only_hint: Option<bool>,
    destructive_hint: Option<bool>,
    open_world_hint: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Definition<'a> {
    #[serde(borrow)]
    annotations: Option<&'a RawValue>,
    #[serde(borrow)]
    description: Option<std::borrow::Cow<'a, str>>,
}

/// The tool of this name on this server. `definition` is asked for where the name alone does not say enough.
pub fn tool(server: &str, name: &str, definition: Option<&str>) -> Tool {
    let read = Name::read(name);
    let application = match read.application() {
        Some(application) => crate::value::hash(&[server.as_bytes(), b"/", application.as_bytes()]),
        None => crate::value::hash(&[server.as_bytes(), b"/"]),
    };
    // Parsed only where there is something to learn: most definitions have no hints.
    let definition = definition.filter(|text| read.verb().is_none() || text.contains("Hint\""));
    let definition: Definition = definition
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    let hints: Hints = definition
        .annotations
        .and_then(|text| serde_json::from_str(text.get()).ok())
        .unwrap_or_default();
    let sentence = definition.description.unwrap_or_default();
    let verb = read.verb().or_else(|| {
        let mut first = sentence.split(|c: char| !c.is_ascii_alphabetic());
        let first = first.next().unwrap_or_default().to_ascii_lowercase();
        vocabulary::verb_of_sentence(&first)
    });
    Tool {
        labels: with_hints(by_words(&read, verb), verb, &hints),
        application,
    }
}

fn by_words(name: &Name, verb: Option<Verb>) -> Labels {
    let any =
        |is: fn(&str) -> bool| name.objects().any(is) || verb.is_none() && name.nouns().any(is);
    let opens_doors = any(vocabulary::is_credential);
    let mut labels = Labels::NONE;
    match verb {
        Some(Verb::Reads) | None => {
            if any(vocabulary::is_untrusted) {
                labels = labels.and(Label::Untrusted);
            }
            if any(vocabulary::is_private) {
                labels = labels.and(Label::Private);
            }
            if opens_doors && verb.is_some() {
                labels = labels.and(Label::Private);
            }
            // A reader whose objects say nothing of what it reads, such as `search` or `web-fetch`.
            if verb.is_some() && labels.is_empty() {
                let is_general =
                    name.objects().next().is_none() || name.nouns().any(vocabulary::is_untrusted);
                if is_general {
                    labels = labels.and(Label::Untrusted);
                }
            }
            return match opens_doors && verb.is_some() {
                true => labels.and(Label::Credentials),
                false => labels,
            };
        }
        Some(Verb::Sends) => labels = labels.and(Label::Sink),
        Some(Verb::Pays) => labels = labels.and(Label::Pays),
        Some(Verb::Changes) => labels = labels.and(Label::Changes),
        Some(Verb::Destroys) => labels = labels.and(Label::Destroys),
        Some(Verb::Grants) => labels = labels.and(Label::Changes).and(Label::Credentials),
        Some(Verb::Runs) => labels = labels.and(Label::Changes).and(Label::Untrusted),
    }
    if opens_doors {
        labels = labels.and(Label::Credentials);
    }
    // What is shared is somebody's own.
    if verb == Some(Verb::Sends) && any(vocabulary::is_private) {
        labels = labels.and(Label::Private);
    }
    labels
}

/// A server's hints: what they add counts; what they take away counts only where the name does not say otherwise, since
/// a server may say anything of itself.
fn with_hints(labels: Labels, verb: Option<Verb>, hints: &Hints) -> Labels {
    let mut labels = labels;
    let only_reads = hints.read_only_hint == Some(true);
    if only_reads && matches!(verb, None | Some(Verb::Reads | Verb::Changes | Verb::Runs)) {
        labels = labels.without(Label::Changes).without(Label::Destroys);
    }
    if hints.destructive_hint == Some(true) && !only_reads {
        labels = labels.and(Label::Destroys);
    }
    if hints.open_world_hint == Some(true) && !labels.act() {
        labels = labels.and(Label::Untrusted);
    }
    labels
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str) -> String {
        tool("s", name, None).labels.to_string()
    }

    #[test]
    fn names_say_what_tools_do() {
        for (name, labels) in [
            ("read_inbox", "untrusted, private"),
            ("WebBrowserNavigateTo", "untrusted"),
            ("web_search", "untrusted"),
            ("search", "untrusted"),
            ("get_balance", "private"),
            ("send_email", "private, sink"),
            ("SlackPostMessage", "private, sink"),
            ("transfer_funds", "pays"),
            ("delete-repository", "destroys"),
            ("disableTwoFactorAuthentication", "destroys, credentials"),
            ("search_passwords", "private, credentials"),
            ("grant_access", "changes, credentials"),
            ("calculate", ""),
            ("list_directory", ""),
        ] {
            assert_eq!(of(name), labels, "{name}");
        }
    }

    #[test]
    fn hints_and_descriptions_add_to_names() {
        let with =
            |name: &str, definition: &str| tool("s", name, Some(definition)).labels.to_string();
        assert_eq!(
            with("frobnicate", r#"{"annotations":{"destructiveHint":true}}"#),
            "destroys"
        );
        assert_eq!(
            with("frobnicate", r#"{"description":"Sends a message."}"#),
            "sink"
        );
        assert_eq!(
            with("get_x", r#"{"annotations":{"openWorldHint":true}}"#),
            "untrusted"
        );
        assert_eq!(
            with("set_view", r#"{"annotations":{"readOnlyHint":true}}"#),
            ""
        );
        // A server cannot talk a tool out of sending.
        assert_eq!(
            with("send_x", r#"{"annotations":{"readOnlyHint":true}}"#),
            "sink"
        );
        assert_eq!(with("send_x", "no JSON \"Hint\""), "sink");
    }
}
